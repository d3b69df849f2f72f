"""A scalar that YAML 1.2 and PyYAML read otherwise, where nothing says which of them a program has (dvc 3.67.1 records
what the one reads, where the program reads the other)."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.dialects.held_rows import CONFORMS, MANIFEST, UNVERIFIED, VIOLATED, clause_of
from tests.support.project import Project

APART = [
    # as it stands, what the manifest states; `reader: pyyaml` and `reader: yaml-1.2`
    ("024", 20, CONFORMS, VIOLATED),
    ("024", 24, VIOLATED, CONFORMS),
    ("010", 9, VIOLATED, VIOLATED),
    ("1:30", 90, CONFORMS, VIOLATED),
    ("1_0", 10, CONFORMS, VIOLATED),
    ("0o10", 8, VIOLATED, CONFORMS),
]


def seen(folder: Path, word: str, declared: int, binding: str) -> Status | None:
    manifest = MANIFEST.replace("epochs: 3", f"epochs: {declared}")
    project = Project(folder, f"{manifest}  - {{file: a.yaml, describes: phases.p, variant: V, {binding}}}\n")
    project.path("configs/pretrain.yaml").unlink()
    project.write("a.yaml", f"lr: 0.00002\nepochs: {word}\n")
    result = project.check()
    return result.matrix.seen(clause_of(result, "phases.p.epochs"), Stage.CONFIG)


KEYS = "keys: {epochs: epochs, lr: optimizer.learning_rate}"


@pytest.mark.parametrize("binding", ["dialect: generic", KEYS])
@pytest.mark.parametrize(("word", "declared", "_pyyaml", "_core"), APART)
def test_it_is_unverified(
    tmp_path: Path, word: str, declared: int, _pyyaml: Status, _core: Status, binding: str
) -> None:
    assert seen(tmp_path, word, declared, binding) is UNVERIFIED


@pytest.mark.parametrize(("word", "declared", "pyyaml", "core"), APART)
def test_it_is_what_the_reader_of_the_binding_says(
    tmp_path: Path, word: str, declared: int, pyyaml: Status, core: Status
) -> None:
    assert seen(tmp_path / "a", word, declared, "dialect: generic, reader: pyyaml") is pyyaml
    assert seen(tmp_path / "b", word, declared, "dialect: generic, reader: yaml-1.2") is core


@pytest.mark.parametrize("word", ["20", "20.0", "0x14", "2e1", "2_0", "020"])
def test_what_both_read_alike_is_held(tmp_path: Path, word: str) -> None:
    alike = word not in ("2_0", "020")
    assert seen(tmp_path, word, 20, "dialect: generic") is (CONFORMS if alike else UNVERIFIED)


@pytest.mark.parametrize(("word", "declared"), [("08", 8), ("130_000", 130000), ("2e1", 20)])
def test_text_that_a_program_makes_the_number_of_is_that_number(tmp_path: Path, word: str, declared: int) -> None:
    assert seen(tmp_path, word, declared, "dialect: generic") is CONFORMS
