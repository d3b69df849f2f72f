"""Gin files: what gin-config 0.5.0 makes of them, each value at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.reading.formats import read
from framework.reading.nodes import Document, Opaque

TEXT = """\
# a note
import some.module
from other import thing as it
LR = 3e-4
include 'base.gin'

AdamW.lr = %LR  # the rate
train/AdamW.lr = 1e-5
pkg.mod.Trainer:
  epochs = 3
  # in between
  betas = (0.9,
           0.95)
  name = 'a' 'b'
Trainer.schedule = @cosine()
Trainer.options = {'x': [1, -2], "y": None}
Trainer.flag = True
Trainer.late = %LATE
Trainer.gone = %NOWHERE
LATE = 7
Trainer.one = (5)
"""


def document(folder: Path, text: str, **files: str) -> Document:
    for name, other in files.items():
        (folder / f"{name}.gin").write_text(other)
    (folder / "run.gin").write_text(text)
    return read(folder / "run.gin", "run.gin")


def stated(found: Document, *path: str | int) -> tuple[Any, str]:
    node = found.node(path)
    assert node is not None, path
    return found.value(node), found.place(node)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("LR",), 3e-4, "run.gin:4:6"),
        (("AdamW", "lr"), 3e-4, "run.gin:7:12"),
        (("train/AdamW", "lr"), 1e-5, "run.gin:8:18"),
        (("AdamW", "decay"), 0.1, "base.gin:1:15"),
        (("pkg.mod.Trainer", "epochs"), 3, "run.gin:10:12"),
        (("pkg.mod.Trainer", "betas"), [0.9, 0.95], "run.gin:12:11"),
        (("pkg.mod.Trainer", "name"), "ab", "run.gin:14:10"),
        (("Trainer", "options"), {"x": [1, -2], "y": None}, "run.gin:16:19"),
        (("Trainer", "flag"), True, "run.gin:17:16"),
        (("Trainer", "late"), 7, "run.gin:18:16"),
        (("Trainer", "one"), 5, "run.gin:21:16"),
    ],
)
def test_a_value_is_what_gin_reads(tmp_path: Path, path: tuple[str, ...], value: Any, place: str) -> None:
    assert stated(document(tmp_path, TEXT, base="AdamW.decay = 0.1\nAdamW.lr = 1\n"), *path) == (value, place)


def test_a_macro_is_shown_with_where_it_is_set(tmp_path: Path) -> None:
    found = document(tmp_path, TEXT, base="LR = 5e-5\n")
    node = found.node(("AdamW", "lr"))
    assert node is not None
    assert found.value(node) == 5e-5
    assert found.place(found.origin(node)) == "base.gin:1:6"


@pytest.mark.parametrize("key", ["schedule", "gone"])
def test_what_only_the_program_knows_is_left_open(tmp_path: Path, key: str) -> None:
    assert isinstance(stated(document(tmp_path, TEXT, base=""), "Trainer", key)[0], Opaque)


def test_the_later_binding_counts_and_an_include_stands_in_its_place(tmp_path: Path) -> None:
    found = document(tmp_path, "A.x = 1\nA.y = 1\nA.y = 2\ninclude 'base.gin'\nA.z = 3\n", base="A.x = 5\nA.z = 5\n")
    assert found.value(found.root) == {"A": {"x": 5, "y": 2, "z": 3}}  # type: ignore[arg-type]
    assert stated(found, "A", "x")[1] == "base.gin:1:7"


def test_an_include_is_found_from_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/base.gin").write_text("A.x = 5\n")
    (tmp_path / "configs/run.gin").write_text("include 'configs/base.gin'\n")
    assert stated(read(tmp_path / "configs/run.gin", "configs/run.gin"), "A", "x") == (5, "configs/base.gin:1:7")


def test_an_include_that_is_not_there_is_said(tmp_path: Path) -> None:
    found = document(tmp_path, "A.x = 1\ninclude 'gone.gin'\nA.y = 2\n")
    assert "gone.gin may say otherwise" in stated(found, "A", "x")[0].reason
    assert stated(found, "A", "y")[0] == 2
    assert "gone.gin" in found.absent[""]
    assert [note.kind for note in found.notes] == ["missing-part"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("A.x = adamw\n", "run.gin:1:7"),
        ("A.x 1\n", "run.gin:1:5"),
        ("A.x = 1 2\n", "run.gin:1:9"),
        ("A.x = [1 2]\n", "run.gin:1:10"),
        ("A:\nx = 1\n", "run.gin:2:1"),
        ("= 1\n", "run.gin:1:1"),
        ("include run\n", "run.gin:1:9"),
        ("A.x = [1\n", "run.gin:1:7: not gin: it is not closed"),
        ("A.z = 1\nA.x = (1,\n  [2], {'a': 3}\n", "run.gin:2:7: not gin: it is not closed"),
        ('A.x = 1\nA.y = """one\n', "run.gin:2:7: not gin: it is not closed"),
        ("A.x = 'one\n", "run.gin:1:"),
        ("A:\n    x = 1\n  y = 2\n", "run.gin:3:1: not gin: unindent"),
        ("include 'run.gin'\n", "run.gin:1:9: the includes lead in a circle"),
    ],
)
def test_what_is_no_gin_is_told_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        document(tmp_path, text)
    assert place in str(caught.value)
