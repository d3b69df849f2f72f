"""A config over its base files: what each of them states, at the place where it truly stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.reading.formats import read
from framework.reading.nodes import Document, Opaque


def document(folder: Path, files: dict[str, str], reader: str = "pyyaml", bases: tuple[str, ...] = ()) -> Document:
    """The first of the files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    name = next(iter(files))
    return read(folder / name, name, None if name.endswith(".py") else reader, bases)


def stated(found: Document, *path: str) -> tuple[Any, str]:
    node = found.node(path)
    assert node is not None
    return found.value(node), found.place(node)


FVCORE = {
    "configs/a/run.yaml": "_BASE_: ../base.yaml\nSOLVER:\n  BASE_LR: 0.02\n",
    "configs/base.yaml": "_BASE_: default.yaml\nSOLVER: {IMS_PER_BATCH: 16, BASE_LR: 0.01}\n",
    "configs/default.yaml": "SOLVER:\n  MAX_ITER: 90000\nSEED: 7\n",
}


def test_each_value_of_a_chain_stands_in_its_own_file(tmp_path: Path) -> None:
    found = document(tmp_path, FVCORE)
    assert found.value(found.root) == {  # type: ignore[arg-type]
        "SOLVER": {"MAX_ITER": 90000, "IMS_PER_BATCH": 16, "BASE_LR": 0.02},
        "SEED": 7,
    }
    assert stated(found, "SOLVER", "BASE_LR") == (0.02, "configs/a/run.yaml:3:12")
    assert stated(found, "SOLVER", "IMS_PER_BATCH") == (16, "configs/base.yaml:2:25")
    assert stated(found, "SOLVER", "MAX_ITER") == (90000, "configs/default.yaml:2:13")
    assert stated(found, "SEED") == (7, "configs/default.yaml:3:7")


def test_of_several_bases_the_later_one_counts(tmp_path: Path) -> None:
    files = {"run.yaml": "_BASE_: [a.yaml, b.yml]\nc: 3\n", "a.yaml": "s: {x: 1, y: 1}\n", "b.yml": "s: {y: 2}\n"}
    assert document(tmp_path, files).value(document(tmp_path, files).root) == {"s": {"x": 1, "y": 2}, "c": 3}  # type: ignore[arg-type]


def test_a_base_that_is_not_there_is_said_and_stays(tmp_path: Path) -> None:
    files = {"run.yaml": "_BASE_: [a.yaml, gone.yaml]\nlr: 3\n", "a.yaml": "epochs: 1\n"}
    found = document(tmp_path, files)
    assert "gone.yaml" in found.absent[""]
    assert stated(found, "lr")[0] == 3
    assert "gone.yaml may say otherwise" in stated(found, "epochs")[0].reason
    assert found.node(("_BASE_",)) is not None


@pytest.mark.parametrize("word", ["https://host/x.yaml", "../../nowhere/x.yaml", "detectron2://a.yaml"])
def test_a_base_from_elsewhere_is_no_error(tmp_path: Path, word: str) -> None:
    found = document(tmp_path, {"run.yaml": f"_BASE_: {word}\nlr: 3\n"})
    assert word in found.absent[""]


def test_bases_in_a_circle_are_told_with_the_place(tmp_path: Path) -> None:
    files = {"a.yaml": "_BASE_: b.yaml\n", "b.yaml": "x: 1\n_BASE_: a.yaml\n"}
    with pytest.raises(InputError, match=r"b\.yaml:2:9: the bases lead in a circle"):
        document(tmp_path, files)
    with pytest.raises(InputError, match=r"a\.yaml:1:9: the bases lead in a circle"):
        document(tmp_path, {"a.yaml": "_BASE_: a.yaml\n"})


def test_a_base_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.yaml:2:1: not YAML"):
        document(tmp_path, {"a.yaml": "_BASE_: b.yaml\n", "b.yaml": "x: [1\n"})


@pytest.mark.parametrize(
    "text", ["_BASE_: 3\nx: 1\n", "_BASE_: {a: 1}\nx: 1\n", "n: _BASE_\nx: 1\n", "_base_: name\nx: 1\n"]
)
def test_what_names_no_file_is_a_value(tmp_path: Path, text: str) -> None:
    found = document(tmp_path, {"a.yaml": text})
    assert found.absent == {}
    assert stated(found, "x") == (1, "a.yaml:2:4")


def test_a_mapping_with_delete_replaces_its_base(tmp_path: Path) -> None:
    files = {
        "a.yaml": "_base_: b.yaml\nopt: {_delete_: true, type: SGD}\nlist: [2]\n",
        "b.yaml": "opt: {type: AdamW, lr: 1.0, betas: [0.9, 0.95]}\nlist: [1, 1]\nlr: 3\n",
    }
    found = document(tmp_path, files)
    assert found.value(found.root) == {"opt": {"type": "SGD"}, "list": [2], "lr": 3}  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["yaml", "py"])
def test_what_two_bases_of_mmengine_state_is_not_known(tmp_path: Path, suffix: str) -> None:
    own, one, two = "_base_: [b.yaml, c.yaml]\nx: 1\n", "lr: 3\nopt: {eps: 1}\n", "lr: 4\nopt: {decay: 2}\nseed: 5\n"
    if suffix == "py":
        own, one, two = (
            "_base_ = ['b.py', 'c.py']\nx = 1\n",
            "lr = 3\nopt = dict(eps=1)\n",
            "lr = 4\nopt = dict(decay=2)\nseed = 5\n",
        )
    found = document(tmp_path, {f"a.{suffix}": own, f"b.{suffix}": one, f"c.{suffix}": two})
    for path in (("lr",), ("opt", "eps"), ("opt", "decay")):
        assert "two of its bases state it" in stated(found, *path)[0].reason
    assert stated(found, "lr")[1].startswith(f"c.{suffix}:1:")
    assert (stated(found, "seed")[0], stated(found, "x")[0]) == (5, 1)


def test_a_reference_stands_where_its_base_states_it(tmp_path: Path) -> None:
    files = {
        "a.yaml": "_base_: b.yaml\nrate: '{{ _base_.opt.lr }}'\nall: '{{_base_.opt}}'\n",
        "b.yaml": "opt: {lr: 1.0}\n",
    }
    found = document(tmp_path, files)
    assert stated(found, "rate") == (1.0, "a.yaml:2:7")
    node = found.node(("rate",))
    assert node is not None
    assert found.place(found.origin(node)) == "b.yaml:1:11"
    assert stated(found, "all") == ({"lr": 1.0}, "b.yaml:1:6")


# What home-grown programs call it


def test_a_word_of_its_own_is_followed_where_a_dialect_says_so(tmp_path: Path) -> None:
    files = {"a.yaml": "inherit_from: b.yaml\nlr: 1\n", "b.yaml": "epochs: 3\nlr: 2\n"}
    assert document(tmp_path, files).node(("epochs",)) is None
    found = document(tmp_path, files, bases=("inherit_from",))
    assert stated(found, "epochs") == (3, "b.yaml:1:9")
    assert stated(found, "lr") == (1, "a.yaml:2:5")


def test_of_a_section_that_both_state_only_the_programs_way_is_not_known(tmp_path: Path) -> None:
    files = {"a.yaml": "extends: b.yaml\nopt: {lr: 1}\n", "b.yaml": "opt: {lr: 2, decay: 3}\ndata: {size: 4}\n"}
    found = document(tmp_path, files, bases=("extends",))
    assert stated(found, "opt", "lr") == (1, "a.yaml:2:11")
    assert isinstance(stated(found, "opt", "decay")[0], Opaque)
    assert stated(found, "data", "size") == (4, "b.yaml:2:14")


def test_a_word_of_its_own_that_names_no_file_here_is_a_value(tmp_path: Path) -> None:
    found = document(tmp_path, {"a.yaml": "extends: gone.yaml\nlr: 1\n"}, bases=("extends",))
    assert found.absent == {}
    assert stated(found, "extends") == ("gone.yaml", "a.yaml:1:10")
