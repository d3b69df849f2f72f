"""`framework mask` on checkpoints in other forms: masks, counts and groups are those of the plain weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.masks import MaskFile
from tests.support.project import Project
from tests.support.stored_forms import Entry, bitmask, experts, torch_pruned
from tests.support.tensors import save_tensors, stored

_RANDOM = numpy.random.default_rng(5)
FULL = _RANDOM.standard_normal((8, 16))
BEFORE = _RANDOM.random(FULL.shape) < 0.75
MASKED = numpy.where(BEFORE, FULL, 0)
FORMS: dict[str, dict[str, Entry]] = {
    "plain": {"layers.0.up_proj.weight": stored(MASKED)},
    "bitmask": bitmask("layers.0.up_proj", MASKED),
    "torch": torch_pruned("layers.0.up_proj.weight", FULL, BEFORE),
}


def written(folder: Path, tensors: dict[str, Entry], config: dict[str, Any] | None = None) -> Path:
    save_tensors(folder / "model.safetensors", tensors)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def compute(project: Project, name: str, *arguments: str) -> Any:
    found = project.cli("mask", "compute", name, *arguments, "--output", f"{name}.npz", "--format", "json")
    assert found.code == 0, found.err
    return found.json["masks"][0]


@pytest.mark.parametrize("asked", [["--sparsity", "0.5"], ["--sparsity", "0.5", "--structure", "2:4"]])
@pytest.mark.parametrize("score", ["magnitude", "random"])
def test_masks_are_the_same_whatever_the_form(tmp_path: Path, asked: list[str], score: str) -> None:
    """What torch has pruned goes first: it is zero in what the module computes with."""
    project = Project(tmp_path)
    for form, tensors in FORMS.items():
        written(tmp_path / form, tensors)
    found = {form: compute(project, form, *asked, "--score", score, "--model", "m") for form in FORMS}
    assert len({each["sha256"] for each in found.values()}) == 1
    kept = MaskFile(tmp_path / "torch.npz").mask("layers.0.up_proj.weight")
    if asked == ["--sparsity", "0.5"]:
        assert not kept[~BEFORE].any()
    assert project.cli("mask", "validate", "torch.npz", "bitmask").code == 1  # 0.5 removes more than the 25 % before


def test_the_form_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    written(tmp_path / "bitmask", FORMS["bitmask"])
    told = project.cli("mask", "compute", "bitmask", "--sparsity", "0.5", "--output", "m.npz").out
    assert "stored with a bitmask: 1 weights, taken as the model has them\n" in told
    assert compute(project, "bitmask", "--sparsity", "0.5")["zeros"] == 64


# Experts

MODULES = {"gate_up_proj": ("w1", "w3"), "down_proj": ("w2",)}
STACKED = {"gate_up_proj": _RANDOM.standard_normal((4, 24, 16)), "down_proj": _RANDOM.standard_normal((4, 16, 12))}
CONFIG = {"model_type": "mixtral", "hidden_size": 16}
INSIDE = "model.layers.0.mlp.experts"


def layouts(folder: Path) -> Project:
    router = stored(_RANDOM.standard_normal((4, 16)))
    disk = experts("model.layers.0.block_sparse_moe.experts", STACKED, MODULES)
    written(folder / "disk", {**disk, "model.layers.0.block_sparse_moe.gate.weight": router}, CONFIG)
    memory = {f"{INSIDE}.{name}": stored(values) for name, values in STACKED.items()}
    written(folder / "memory", {**memory, "model.layers.0.mlp.gate.weight": router}, CONFIG)
    return Project(folder)


@pytest.mark.parametrize(
    "asked",
    [
        ["--sparsity", "0.3"],
        ["--sparsity", "0.3", "--scope", "layer"],
        ["--sparsity", "0.25", "--scope", "output"],
        ["--sparsity", "0.5", "--structure", "2:4"],
        ["--sparsity", "0.3", "--score", "random"],
        ["--sparsity", "0.3", "--exclude", "mlp.gate"],
    ],
    ids=" ".join,
)
def test_experts_have_the_same_masks_in_both_layouts(tmp_path: Path, asked: list[str]) -> None:
    project = layouts(tmp_path)
    one, other = (compute(project, name, *asked, "--model", "m") for name in ("disk", "memory"))
    assert one["sha256"] == other["sha256"]
    assert one["zeros"] == other["zeros"] > 0
    if "2:4" in asked:
        kept = MaskFile(tmp_path / "disk.npz").mask(f"{INSIDE}.gate_up_proj")
        assert (kept.reshape(-1, 4).sum(axis=1) == 2).all()


@pytest.mark.parametrize("masks_by", ["disk", "memory"])
@pytest.mark.parametrize("stored_by", ["disk", "memory"])
def test_a_mask_by_either_names_holds_a_checkpoint_in_either_layout(
    tmp_path: Path, masks_by: str, stored_by: str
) -> None:
    kept = {name: _RANDOM.random(values.shape) < 0.5 for name, values in STACKED.items()}
    kept["gate_up_proj"][0, 0, 0] = False
    alone = "model.layers.0.block_sparse_moe.experts"
    entries = {f"{INSIDE}.{name}": stored(mask, "BOOL") for name, mask in kept.items()}
    if masks_by == "disk":
        entries = {
            name: ("BOOL", shape, (numpy.frombuffer(data, "<f4") != 0).tobytes())
            for name, (_, shape, data) in experts(alone, kept, MODULES).items()
        }
    save_tensors(tmp_path / "mask.safetensors", entries)
    for returned in (0, 1):
        weights = {name: numpy.where(kept[name], values, 0) for name, values in STACKED.items()}
        weights["gate_up_proj"][0, 0, 0] = returned
        plain = {f"{INSIDE}.{name}": stored(values) for name, values in weights.items()}
        written(tmp_path / "model", plain if stored_by == "memory" else experts(alone, weights, MODULES), CONFIG)
        found = Project(tmp_path).cli("mask", "validate", "mask.safetensors", "model", "--format", "json")
        assert (found.code, found.json["returned"]) == (returned, returned)


@pytest.mark.parametrize("layout", ["disk", "memory"])
def test_a_mask_is_applied_to_experts_where_they_lie(tmp_path: Path, layout: str) -> None:
    """Each expert has 11 x 15 weights: its bits of the stacked mask begin within a byte."""
    odd = {"gate_up_proj": _RANDOM.standard_normal((3, 22, 15)), "down_proj": _RANDOM.standard_normal((3, 15, 11))}
    alone = experts("model.layers.0.block_sparse_moe.experts", odd, MODULES)
    plain = {f"{INSIDE}.{name}": stored(values) for name, values in odd.items()}
    written(tmp_path / "model", alone if layout == "disk" else plain, CONFIG)
    project = Project(tmp_path)
    mask = compute(project, "model", "--sparsity", "0.4")
    done = project.cli("mask", "apply", "model.npz", "model", "--output", "out", "--format", "json")
    assert done.code == 0, done.err
    files, kept = CheckpointFiles(tmp_path / "out"), MaskFile(tmp_path / "model.npz")
    for name, values in odd.items():
        expected = numpy.where(kept.mask(f"{INSIDE}.{name}"), values.astype("<f4"), 0)
        assert (files.bits(f"{INSIDE}.{name}").view("<f4") == expected).all()
    assert sorted(file for each in files.files for file in each.tensors) == sorted(alone if layout == "disk" else plain)
    files.close()
    assert mask["zeros"] == round(0.4 * sum(values.size for values in odd.values()))
