"""Over all dialects: what `--fix` wrote is read back by the dialect, and says what the manifest means, or is not there.

The files are the dialects' own examples, which say what the manifest says, with some of their numbers changed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.dialects.terms import Statement
from framework.names import Path as KeyPath
from framework.names import format_path
from framework.reading.formats import read
from framework.reading.nodes import Document
from tests.dialects.examples import EXAMPLES, MANIFEST, Example
from tests.support.project import Project
from tests.support.texts import replaced

SEEDS = range(5)
FACTORS = (2, 0.5, 3, 10, 0.1)


def project(folder: Path, example: Example) -> Project:
    about = f"describes: {example.describes}" if example.describes else "ignore: []"
    variant = f", variant: {example.variant}" if example.variant else ""
    binding = f"configs:\n  - {{file: {example.file}, dialect: {example.dialect}, {about}{variant}}}\n"
    made = Project(folder, replaced(MANIFEST, *example.manifest) + binding)
    made.path("configs/pretrain.yaml").unlink()
    made.write(example.file, example.text)
    return made


def document(made: Project, example: Example) -> Document:
    return read(made.path(example.file), example.file, dialect(example.dialect).reader if _is_yaml(example) else None)


def _is_yaml(example: Example) -> bool:
    return example.file.endswith((".yaml", ".yml"))


def statements(made: Project, example: Example) -> dict[KeyPath, Statement]:
    found = document(made, example)
    assert found.root is not None
    heard = said(dialect(example.dialect), found.value(found.root), found)
    return {each.path: each for each in heard.statements}


def numbers(made: Project, example: Example) -> Iterator[tuple[KeyPath, int, int, float]]:
    """The plain numbers that state something: where they stand, and what they are."""
    found = document(made, example)
    for path in statements(made, example):
        place = found.walk(path)
        text = found.text[place[1].start : place[1].stop] if place else ""
        if place and found.editable(place[1]) and text.replace(".", "", 1).replace("e-", "", 1).isdigit():
            yield path, place[1].start, place[1].stop, float(text)


def spoiled(made: Project, example: Example, dice: random.Random) -> dict[KeyPath, str]:
    """Change up to three of the numbers; the places, and what stands there now."""
    known = list(numbers(made, example))
    chosen = sorted(dice.sample(known, min(3, len(known))), key=lambda each: -each[1])
    text, changed = made.read(example.file), {}
    for path, start, stop, value in chosen:
        other: Any = value * dice.choice(FACTORS)
        other = max(1, round(other)) if text[start:stop].isdigit() else float(f"{other:.3g}")
        changed[path] = str(other)
        text = text[:start] + str(other) + text[stop:]
    made.path(example.file).write_text(text)
    return changed


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.dialect for example in EXAMPLES])
def test_what_is_fixed_means_what_the_manifest_means(tmp_path: Path, example: Example, seed: int) -> None:
    made = project(tmp_path, example)
    right = statements(made, example)
    changed = spoiled(made, example, random.Random(f"{example.dialect}{seed}"))
    before, text = statements(made, example), made.read(example.file)
    done = made.cli("check", "--fix")
    assert done.code in (0, 1), done.err
    after = statements(made, example)
    if made.read(example.file) == text:
        assert "fixed" not in done.out
        return
    mended = {path for path in changed if _word(after, path) != _word(before, path)}
    assert mended, done.out
    wrong = {finding.location.key for finding in made.check().findings if finding.location and finding.code == "C101"}
    for path in mended:
        assert format_path(path) not in wrong
        assert (path in after) == (path in right), done.out
        if path in right and after[path].fact == right[path].fact:  # else in another unit: 300 steps for 10 %
            assert after[path].value == right[path].value, done.out
    others = {path: each for path, each in before.items() if path not in changed}
    assert {path: (each.fact, each.word) for path, each in after.items() if path in others} == {
        path: (each.fact, each.word) for path, each in others.items()
    }


def _word(said: dict[KeyPath, Statement], path: KeyPath) -> object:
    """What a place says; None where it says nothing, as a parallelism of 1."""
    return said[path].word if path in said else None


def test_a_count_of_several_keys_is_left_to_people(tmp_path: Path) -> None:
    """Devices that lack may be replicas or parts of a model, and each of these keys has its own meaning."""
    (example,) = (each for each in EXAMPLES if each.dialect == "nanotron")
    made = project(tmp_path, example)
    made.write(example.file, example.text.replace("dp: 2", "dp: 1"))
    text = made.read(example.file)
    done = made.cli("check", "--fix")
    assert done.code == 1
    assert "parallelism.tp" in done.out
    assert made.read(example.file) == text


def test_most_of_what_is_spoiled_is_mended(tmp_path: Path) -> None:
    """The test above would also pass if nothing was ever repaired."""
    mended = 0
    for number, example in enumerate(EXAMPLES):
        (tmp_path / str(number)).mkdir()
        made = project(tmp_path / str(number), example)
        if not spoiled(made, example, random.Random(number)):
            continue
        mended += "fixed" in made.cli("check", "--fix").out
    assert mended > len(EXAMPLES) / 2


@pytest.mark.parametrize(
    ("dialect_name", "text", "key"),
    [
        ("hf-training-arguments", "learning_rate: 0.0002\nlr_scheduler_type: linear\n", "lr_scheduler_type"),
        ("generic", "lr: 0.0002\noptimizer: adam\n", "optimizer"),
        ("generic", "lr: 0.0002\nprecision: fp16\n", "precision"),
    ],
)
def test_words_of_a_program_are_left_to_people(tmp_path: Path, dialect_name: str, text: str, key: str) -> None:
    """`adam` is AdamW to Megatron, which refuses `adamw`."""
    manifest = MANIFEST + f"configs:\n  - {{file: a.yaml, dialect: {dialect_name}, describes: phases.train}}\n"
    made = Project(tmp_path, manifest)
    made.path("configs/pretrain.yaml").unlink()
    made.write("a.yaml", text)
    assert made.cli("check", "--fix").code == 1
    assert [line for line in made.read("a.yaml").splitlines() if key in line] == [
        line for line in text.splitlines() if key in line
    ]
