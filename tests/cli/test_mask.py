"""`framework mask`: exact masks of a checkpoint, and what holds a checkpoint to them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.evidence.masks import MaskFile
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.tensors import save_tensors, stored

SHAPES = {
    "model.embed_tokens.weight": (20, 8),
    "model.layers.0.up_proj.weight": (24, 16),
    "model.layers.0.norm.weight": (8,),
    "model.layers.1.up_proj.weight": (24, 16),
    "model.layers.11.up_proj.weight": (16, 8),
    "lm_head.weight": (20, 8),
}
PRUNED = [name for name in SHAPES if "up_proj" in name]
ELEMENTS = 2 * 24 * 16 + 16 * 8


@pytest.fixture
def project(tmp_path: Path) -> Project:
    source = numpy.random.default_rng(0)
    tensors = {name: stored(source.standard_normal(shape)) for name, shape in SHAPES.items()}
    save_tensors(tmp_path / "checkpoint" / "model.safetensors", tensors)
    return Project(tmp_path)


def compute(project: Project, *arguments: str) -> list[dict[str, Any]]:
    outcome = project.cli("mask", "compute", "checkpoint", *arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    found: list[dict[str, Any]] = outcome.json["masks"]
    return found


def masks(project: Project, name: str) -> dict[str, numpy.ndarray]:
    file = MaskFile(project.path(name))
    return {tensor: file.mask(tensor) for tensor in file.tensors}


def masked(project: Project, kept: dict[str, numpy.ndarray], **rename: str) -> None:
    """The checkpoint with a mask applied."""
    from framework.evidence.tensors import TensorFile

    file = TensorFile(project.path("checkpoint") / "model.safetensors")
    weights = {name: file.bits(name).view("<f4") * kept.get(name, True) for name in file.tensors}
    names = {name: name.replace(".up_proj.", f".{rename.get('module', 'up_proj')}.") for name in weights}
    tensors = {names[name]: stored(values) for name, values in weights.items()}
    save_tensors(project.path("pruned") / "model.safetensors", tensors)


def test_levels_are_exact_and_nested_and_say_what_was_left_out(project: Project) -> None:
    found = compute(project, "--sparsity", "0", "0.1", "0.37", "0.9", "1", "--output", "out")
    assert [mask["zeros"] for mask in found] == [round(share * ELEMENTS) for share in (0, 0.1, 0.37, 0.9, 1)]
    assert {tuple(mask["exclude"]) for mask in found} == {("embed_tokens", "lm_head")}
    before = None
    for mask in found:
        own = masks(project, mask["file"])
        assert list(own) == PRUNED
        assert sum(int((~kept).sum()) for kept in own.values()) == mask["zeros"]
        assert before is None or not any((own[name] & ~before[name]).any() for name in own)
        before = own
    facts = MaskFile(project.path(found[2]["file"])).facts
    assert facts["exclude"] == ["embed_tokens", "lm_head"]
    assert (facts["asked"], facts["zeros"], facts["reached"]) == (
        0.37,
        332,
        332 / ELEMENTS,
    )  # not rounded to two digits
    assert (facts["model"], facts["score"], facts["scope"]) == ("checkpoint", "magnitude", "model")


def test_what_is_named_is_what_is_pruned(project: Project) -> None:
    compute(project, "--sparsity", "0.5", "--tensors", "layers.1.up_proj", "--output", "one.npz")
    assert list(masks(project, "one.npz")) == ["model.layers.1.up_proj.weight"]
    compute(project, "--sparsity", "0.5", "--everything", "--output", "all.npz")
    assert list(masks(project, "all.npz")) == sorted({*SHAPES} - {"model.layers.0.norm.weight"})
    compute(project, "--sparsity", "0.5", "--exclude", "layers.1.up_proj", "--output", "less.npz")
    assert list(masks(project, "less.npz")) == ["model.layers.0.up_proj.weight", "model.layers.11.up_proj.weight"]


def test_the_same_masks_whatever_the_container_layout_and_shards(project: Project) -> None:
    found = {
        compute(project, "--sparsity", "0.5", "--layout", layout, "--output", f"{layout}{suffix}")[0]["sha256"]
        for suffix in (".safetensors", ".npz")
        for layout in ("packed", "boolean", "bitmask")
    }
    assert len(found) == 1
    assert sorted(path.name for path in project.path(".").glob("*.streamed")) == []


def test_random_masks_follow_from_the_seed_and_are_exact(project: Project) -> None:
    one, again, other = (
        compute(project, "--sparsity", "0.5", "--score", "random", "--seed", seed, "--output", f"{index}.npz")[0]
        for index, seed in enumerate(("1", "1", "2"))
    )
    assert one["sha256"] == again["sha256"] != other["sha256"]
    assert one["zeros"] == other["zeros"] == ELEMENTS // 2


def test_a_pattern_and_outputs(project: Project) -> None:
    compute(project, "--sparsity", "0.5", "--structure", "2:4", "--output", "pattern.npz")
    assert all((kept.reshape(-1, 4).sum(axis=1) == 2).all() for kept in masks(project, "pattern.npz").values())
    compute(project, "--sparsity", "0.25", "--scope", "output", "--output", "outputs.npz")
    assert all((kept.sum(axis=1) == kept.shape[1] * 3 // 4).all() for kept in masks(project, "outputs.npz").values())
    compute(project, "--sparsity", "0.5", "--structure", "output", "--scope", "layer", "--output", "rows.npz")
    for kept in masks(project, "rows.npz").values():
        assert sorted(set(kept.sum(axis=1).tolist())) == [0, kept.shape[1]]
    stats = project.cli("mask", "stats", "pattern.npz", "--format", "json").json
    assert {tensor["pattern"] for tensor in stats["tensors"]} == {"2:4"}


REFUSED: dict[str, tuple[str, ...]] = {
    "no such checkpoint": ("mask", "compute", "nothing", "--sparsity", "0.5", "--output", "m"),
    "several in one file": ("mask", "compute", "checkpoint", "--sparsity", "0.5", "0.6", "--output", "m.npz"),
    "one twice": ("mask", "compute", "checkpoint", "--sparsity", "0.5", "0.5", "--output", "m"),
    "a share above 1": ("mask", "compute", "checkpoint", "--sparsity", "50", "--output", "m"),
    "another share than the pattern's": (
        *("mask", "compute", "checkpoint", "--sparsity", "0.4", "--structure", "2:4", "--output", "m"),
    ),
    "no such structure": ("mask", "compute", "checkpoint", "--sparsity", "0.4", "--structure", "x", "--output", "m"),
    "no such module": ("mask", "compute", "checkpoint", "--sparsity", "0.4", "--tensors", "up", "--output", "m"),
    "a score without data": ("mask", "compute", "checkpoint", "--sparsity", "0.4", "--score", "wanda", "--output", "m"),
    "a solver": ("mask", "compute", "checkpoint", "--sparsity", "0.4", "--score", "sparsegpt", "--output", "m"),
    "too little memory": ("mask", "compute", "checkpoint", "--sparsity", "0.4", "--memory", "8M", "--output", "m"),
    "units without a model": (
        "mask",
        "compute",
        "checkpoint",
        "--sparsity",
        "0.5",
        "--structure",
        "head",
        "--output",
        "m",
    ),
    "a mask of another model": ("mask", "validate", "strange.safetensors", "checkpoint"),
    "no mask": ("mask", "stats", "checkpoint/model.safetensors"),
    "one mask to compare": ("mask", "compare", "strange.safetensors"),
    "no action": ("mask",),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_and_leaves_nothing(project: Project, case: str) -> None:
    save_tensors(project.path("strange.safetensors"), {"layers.1.up_proj.weight": stored(numpy.ones((2, 2)), "BOOL")})
    before = sorted(path for path in project.path(".").rglob("*") if "cache" not in str(path))
    outcome = project.cli(*REFUSED[case])
    assert outcome.code == 2, outcome.out
    assert outcome.err
    assert "Traceback" not in outcome.err
    assert sorted(path for path in project.path(".").rglob("*") if "cache" not in str(path)) == before


def test_a_weight_that_is_not_a_number_is_named(project: Project) -> None:
    tensors = {"a.weight": stored([[1.0, 2.0]]), "b.weight": stored([[float("nan"), 2.0]])}
    save_tensors(project.path("broken.safetensors"), tensors)
    outcome = project.cli("mask", "compute", "broken.safetensors", "--sparsity", "0.5", "--output", "m.npz")
    assert outcome.code == 2
    assert "a score of b.weight is not a number" in outcome.err


# Validation


def test_a_pruned_checkpoint_holds(project: Project) -> None:
    compute(project, "--sparsity", "0.5", "--output", "m.safetensors")
    masked(project, masks(project, "m.safetensors"))
    outcome = project.cli("mask", "validate", "m.safetensors", "pruned")
    assert (outcome.code, outcome.out) == (0, f"holds: all {ELEMENTS // 2:,} masked weights of 3 tensors are zero\n")


def test_every_violation_is_listed(project: Project) -> None:
    compute(project, "--sparsity", "0.5", "--output", "m.safetensors")
    own = masks(project, "m.safetensors")
    opened = {name: kept.copy() for name, kept in own.items()}
    gone = numpy.argwhere(~own["model.layers.11.up_proj.weight"])[[1, 4]]
    for place in gone:
        opened["model.layers.11.up_proj.weight"][tuple(place)] = True
    masked(project, opened, module="up_proj.base_layer")  # as an adapter renames it
    outcome = project.cli("mask", "validate", "m.safetensors", "pruned", "--format", "json")
    assert outcome.code == 1
    assert outcome.json["returned"] == 2
    assert outcome.json["violations"] == [
        {
            "name": "model.layers.11.up_proj.weight",
            "tensor": "model.layers.11.up_proj.base_layer.weight",
            "masked": int((~own["model.layers.11.up_proj.weight"]).sum()),
            "returned": 2,
            "not_numbers": 0,
            "first": gone.tolist(),
        }
    ]
    text = project.cli("mask", "validate", "m.safetensors", "pruned")
    assert f"first at {gone[0].tolist()}, {gone[1].tolist()}" in text.out
    assert "violated: in 1 of 3 tensors" in text.out


def test_pruned_weights_that_are_nan_are_named(project: Project) -> None:
    save_tensors(project.path("m.safetensors"), {"a.weight": stored([[False, True]], "BOOL")})
    save_tensors(project.path("nan.safetensors"), {"a.weight": stored([[float("nan"), 1.0]])})
    outcome = project.cli("mask", "validate", "m.safetensors", "nan.safetensors")
    assert outcome.code == 1
    assert "1 masked weights are NaN; so Cerebras stores what was pruned" in outcome.out
    assert project.cli("mask", "validate", "m.safetensors", "nan.safetensors", "--nan-is-pruned").code == 0


def test_a_run_and_a_variant_are_checkpoints_too(project: Project) -> None:
    project.replace("seeds: [1, 2, 3]", "seeds: [1]").replace("confidence: 0.85", "confidence: 0.6")
    evidence = Evidence(project)
    run = evidence.folder("pruned", "prune")
    assert project.cli("mask", "validate", f"runs/{run.name}", run.name).code == 0
    assert project.cli("mask", "validate", f"runs/{run.name}", "dense").code == 1
    assert project.cli("mask", "validate", "masked", "masked").code == 0
    outcome = project.cli("mask", "stats", "prunedd")
    assert outcome.code == 2
    assert "pruned" in outcome.err


def test_a_variant_of_a_profile_is_found_under_it(project: Project) -> None:
    """The runs of the project are those of the paper; under a profile that changes them there are none."""
    project.replace("seeds: [1, 2, 3]", "seeds: [1]").replace("confidence: 0.85", "confidence: 0.6")
    project.replace("claims:", "profiles: {other: {reason: another seed, set: {seeds: [2]}}}\nclaims:")
    Evidence(project)
    assert project.cli("mask", "stats", "pruned").code == 0
    outcome = project.cli("mask", "stats", "pruned", "--profile", "other")
    assert outcome.code == 2
    assert "no finished run under the profile other" in outcome.err
    assert "no profile 'others'" in project.cli("mask", "stats", "pruned", "--profile", "others").err


# Statistics, overlap and figures


def test_statistics_are_counted_from_the_masks(project: Project) -> None:
    kept = numpy.ones((2, 10), bool)
    kept[0, :5] = False
    save_tensors(project.path("m.safetensors"), {"a.weight": stored(kept, "BOOL")})
    found = project.cli("mask", "stats", "m.safetensors", "--format", "json").json
    assert (found["zeros"], found["elements"], found["sparsity"]) == (5, 20, 0.25)
    assert found["histogram"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert found["tensors"][0]["name"] == "a.weight"
    text = project.cli("mask", "stats", "m.safetensors").out
    assert "25.0000%" in text


def test_overlap_is_intersection_over_union(project: Project) -> None:
    save_tensors(project.path("a.safetensors"), {"a": stored([1, 1, 0, 0, 0], "BOOL"), "b": stored([1], "BOOL")})
    save_tensors(project.path("b.safetensors"), {"a": stored([1, 0, 1, 0, 0], "BOOL")})
    (pair,) = project.cli("mask", "compare", "a.safetensors", "b.safetensors", "--format", "json").json["pairs"]
    (tensor,) = pair["tensors"]
    assert tensor == {"name": "a", "kept_iou": 1 / 3, "removed_iou": 0.5, "both": 2, "first": 1, "second": 1}
    assert pair["alone"] == ["b"]
    same = project.cli("mask", "compare", "a.safetensors", "a.safetensors").out
    assert "1.0000" in same


def test_masks_of_other_shapes_are_not_compared(project: Project) -> None:
    save_tensors(project.path("a.safetensors"), {"a": stored([1, 1], "BOOL")})
    save_tensors(project.path("b.safetensors"), {"a": stored([1], "BOOL")})
    save_tensors(project.path("c.safetensors"), {"c": stored([1], "BOOL")})
    assert project.cli("mask", "compare", "a.safetensors", "b.safetensors").code == 2
    assert project.cli("mask", "compare", "a.safetensors", "c.safetensors").code == 2


def test_a_figure_is_drawn(project: Project) -> None:
    pytest.importorskip("matplotlib")
    for share in ("0.25", "0.5"):
        compute(project, "--sparsity", share, "--output", f"{share}.npz")
    assert project.cli("mask", "plot", "0.25.npz", "0.5.npz", "--output", "figures/m.png").code == 0
    data = project.path("figures/m.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") > 1000


# Memory

MEASURED = """\
import json, sys
from framework.cli.main import run
code = run(sys.argv[1:])
status = open("/proc/self/status").read()
peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps({"code": code, "peak": int(peak) * 1024, "torch": "torch" in sys.modules}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("stated", [[], ["--scope", "output"]], ids=["model", "output"])
def test_a_checkpoint_larger_than_the_memory_is_streamed_within_it(tmp_path: Path, stated: list[str]) -> None:
    """Without torch, which alone would take more."""
    size, budget = 2048, 160 << 20
    source = numpy.random.default_rng(0)
    placed = {}
    for shard in range(4):
        tensors = {}
        for index in range(6):
            values = source.integers(0, 1 << 15, (size, size), numpy.uint16) % 0x7F80
            tensors[f"layers.{shard}.{index}.weight"] = ("BF16", (size, size), values.tobytes())
        save_tensors(tmp_path / f"model-{shard}.safetensors", tensors)
        placed |= dict.fromkeys(tensors, f"model-{shard}.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    assert 24 * size * size * 2 > budget
    command = ["mask", "compute", str(tmp_path), "--sparsity", "0.3", "0.6", "--memory", "160M", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command, "--output", str(tmp_path / "out"), *stated],
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["code"] == 0
    assert not seen["torch"]
    assert seen["peak"] <= budget
    for mask in json.loads(done.stdout[: done.stdout.rindex('{"code"')])["masks"]:
        assert mask["elements"] == 24 * size * size
        expected = (
            24 * size * round(mask["asked"] * size)
            if stated[:1] == ["--scope"]
            else round(mask["asked"] * 24 * size * size)
        )
        assert mask["zeros"] == expected
