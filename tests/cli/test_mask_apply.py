"""`framework mask apply`: the masked weights are zero, and nothing else is another bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.evidence.tensors import TensorFile
from tests.support.project import Project
from tests.support.tensors import save_tensors, stored

SHAPES = {"embed.weight": (20, 8), "up.weight": (24, 16), "down.weight": (8, 13)}
MASKED = ["up.weight", "down.weight"]
KEPT = {name: numpy.random.default_rng(3).random(SHAPES[name]) > 0.4 for name in MASKED}


def made(project: Project, dtype: str = "F32", shards: bool = False) -> dict[str, Any]:
    source = numpy.random.default_rng(0)
    tensors = {name: stored(source.standard_normal(shape), dtype) for name, shape in SHAPES.items()}
    project.write("checkpoint/config.json", '{"model_type": "x"}')
    project.write("checkpoint/optimizer.pt", b"1")
    if shards:
        placed = {name: f"model-{number}-of-3.safetensors" for number, name in enumerate(tensors)}
        for name, file in placed.items():
            save_tensors(project.path("checkpoint") / file, {name: tensors[name]}, {"format": "pt"})
        project.write("checkpoint/model.safetensors.index.json", json.dumps({"weight_map": placed}))
    else:
        save_tensors(project.path("checkpoint/model.safetensors"), tensors, {"format": "pt"})
    save_tensors(project.path("mask.safetensors"), {name: stored(kept, "BOOL") for name, kept in KEPT.items()})
    return tensors


def bits_of(folder: Path) -> dict[str, Any]:
    files = [TensorFile(path) for path in sorted(folder.glob("*.safetensors"))]
    return {name: numpy.array(file.bits(name)) for file in files for name in file.tensors}


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("shards", [False, True], ids=["one file", "shards"])
def test_masked_weights_are_zero_and_the_rest_as_it_was(tmp_path: Path, dtype: str, shards: bool) -> None:
    project = Project(tmp_path)
    made(project, dtype, shards)
    before = bits_of(project.path("checkpoint"))
    told = project.cli("mask", "apply", "mask.safetensors", "checkpoint", "--output", "out", "--format", "json")
    assert told.code == 0, told.err
    after = bits_of(project.path("out"))
    assert sorted(after) == sorted(before)
    for name, bits in before.items():
        assert numpy.array_equal(after[name], numpy.where(KEPT[name], bits, 0) if name in KEPT else bits)
    removed = sum(int((~kept).sum()) for kept in KEPT.values())
    assert (told.json["masked"], told.json["changed"]) == (removed, removed)
    assert told.json["left_out"] == ["optimizer.pt"]
    assert project.read("out/config.json") == project.read("checkpoint/config.json")
    assert not project.path("out/optimizer.pt").exists()
    assert project.cli("mask", "validate", "mask.safetensors", "out").code == 0
    assert project.cli("mask", "validate", "mask.safetensors", "checkpoint").code == 1
    again = project.cli("mask", "apply", "mask.safetensors", "out", "--output", "twice", "--format", "json").json
    assert (again["masked"], again["changed"]) == (removed, 0)


def test_one_file_becomes_a_folder(tmp_path: Path) -> None:
    project = Project(tmp_path)
    made(project)
    told = project.cli("mask", "apply", "mask.safetensors", "checkpoint/model.safetensors", "--output", "a/b")
    assert told.code == 0, told.err
    assert "were not before" in told.out
    assert [path.name for path in project.path("a/b").iterdir()] == ["model.safetensors"]


REFUSED = {
    "a folder that is there": (lambda project: project.write("out/mine", "1"), "out exists: name a new folder"),
    "a tensor of another shape": (
        lambda project: save_tensors(project.path("mask.safetensors"), {"up.weight": stored([[True]], "BOOL")}),
        "has the shape (24, 16), its mask (1, 1)",
    ),
    "no such tensor": (
        lambda project: save_tensors(project.path("mask.safetensors"), {"no.weight": stored([[True]], "BOOL")}),
        "has no tensor no.weight, which is masked",
    ),
    "a weight in a form": (
        lambda project: save_tensors(
            project.path("checkpoint/model.safetensors"),
            {
                "up.weight_orig": stored(numpy.ones((24, 16))),
                "up.weight_mask": stored(numpy.ones((24, 16))),
                "down.weight": stored(numpy.ones((8, 13))),
            },
        ),
        "up.weight does not lie there as it is, but in a form",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_masked_is_refused_and_leaves_nothing(tmp_path: Path, case: str) -> None:
    change, said = REFUSED[case]
    project = Project(tmp_path)
    made(project)
    change(project)
    before = project.files()
    told = project.cli("mask", "apply", "mask.safetensors", "checkpoint", "--output", "out")
    assert (told.code, said in told.err) == (2, True), told.err
    assert project.files() == before
