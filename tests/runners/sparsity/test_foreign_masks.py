"""`framework mask convert`: masks of other programs, each either right or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from runners.sparsity.mask_files import open_masks
from tests.support.project import Project
from tests.support.stored_forms import bitmask, experts, torch_pruned
from tests.support.tensors import save_tensors, stored

_RANDOM = numpy.random.default_rng(11)
UP, SQUARE, OUT = "h.0.mlp.c_fc.weight", "h.0.attn.c_proj.weight", "h.0.mlp.c_proj.weight"
SHAPES = {UP: (8, 20), SQUARE: (8, 8), OUT: (20, 8)}
KEPT = {name: _RANDOM.random(shape) < 0.6 for name, shape in SHAPES.items()}
FULL = {name: _RANDOM.standard_normal(shape) for name, shape in SHAPES.items()}
ZEROS = sum(int((~mask).sum()) for mask in KEPT.values())
Masks = dict[str, Any]
Make = Callable[[Path], str]


def of_torch(name: str, change: Callable[[Masks], Any] = dict) -> Make:
    def make(folder: Path) -> str:
        torch.save(change({key: torch.from_numpy(mask) for key, mask in KEPT.items()}), folder / name)
        return name

    return make


def of_numpy(change: Callable[[str, Any], tuple[str, Any]]) -> Make:
    def make(folder: Path) -> str:
        numpy.savez(folder / "m.npz", **dict(change(name, mask) for name, mask in KEPT.items()))
        return "m.npz"

    return make


def of_safetensors(entries: Callable[[], dict[str, Any]], name: str = "m.safetensors") -> Make:
    def make(folder: Path) -> str:
        save_tensors(folder / name, entries())
        return name if name.count("/") == 0 else name.partition("/")[0]

    return make


def joined(parts: Any) -> dict[str, Any]:
    return {name: entry for part in parts for name, entry in part.items()}


def transposed(name: str, mask: Any) -> tuple[str, Any]:
    return name, mask.T


RIGHT: dict[str, tuple[Make, list[str]]] = {
    "torch, with metadata": (
        of_torch("m.pt", lambda m: {"masks": m, "metadata": {"sparsity": 0.4}, "epoch": 3}),
        [],
    ),
    "torch, float32": (of_torch("m.pth", lambda m: {name: mask.float() for name, mask in m.items()}), []),
    "torch, sparse": (of_torch("m.pt", lambda m: {name: mask.float().to_sparse() for name, mask in m.items()}), []),
    "torch, by a data parallel module": (of_torch("m.bin", lambda m: {f"module.{n}": v for n, v in m.items()}), []),
    "a pickled checkpoint of torch's pruning": (
        of_torch(
            "m.pt",
            lambda m: {"state_dict": joined({f"{n}_orig": v * 2.0, f"{n}_mask": v.float()} for n, v in m.items())},
        ),
        [],
    ),
    "npz, float32": (of_numpy(lambda name, mask: (name, mask.astype("<f4"))), []),
    "npz, boolean": (of_numpy(lambda name, mask: (name, mask)), []),
    "safetensors of 0 and 1": (of_safetensors(lambda: {n: stored(m, "BF16") for n, m in KEPT.items()}), []),
    "a checkpoint of torch's pruning": (
        of_safetensors(lambda: joined(torch_pruned(n, FULL[n], m) for n, m in KEPT.items())),
        [],
    ),
    "a folder with bitmasks": (
        of_safetensors(
            lambda: {
                **joined(bitmask(n.removesuffix(".weight"), FULL[n] * m) for n, m in KEPT.items()),
                "wte.weight": stored(numpy.ones((4, 8))),
            },
            "folder/model.safetensors",
        ),
        [],
    ),
    "inverted": (of_numpy(lambda name, mask: (name, ~mask)), ["--inverted"]),
    "flattened": (of_numpy(lambda name, mask: (name, mask.ravel())), ["--checkpoint", "model"]),
    "by module": (of_numpy(lambda name, mask: (name.removesuffix(".weight"), mask)), ["--checkpoint", "model"]),
    "as the buffer of a module": (
        of_numpy(lambda name, mask: (name.replace(".weight", ".mask"), mask)),
        ["--checkpoint", "model"],
    ),
    "packed by numpy.packbits": (
        of_numpy(lambda name, mask: (name, numpy.packbits(mask))),
        ["--checkpoint", "model", "--bits", "big"],
    ),
    "packed row by row": (
        of_numpy(lambda name, mask: (name, numpy.packbits(mask, axis=-1, bitorder="little"))),
        ["--checkpoint", "model", "--bits", "little"],
    ),
    "transposed": (of_numpy(transposed), ["--checkpoint", "model", "--transposed", "c_fc", "c_proj"]),
    "transposed and flattened": (
        of_numpy(lambda name, mask: (name, mask.T.ravel())),
        ["--checkpoint", "model", "--transposed", "c_fc", "c_proj"],
    ),
    "transposed and packed": (
        of_numpy(lambda name, mask: (name, numpy.packbits(mask.T))),
        ["--checkpoint", "model", "--transposed", "c_fc", "c_proj", "--bits", "big"],
    ),
    "joined by underscores": (
        of_numpy(lambda name, mask: (name.replace(".", "_"), mask.astype("<f4"))),
        ["--checkpoint", "model"],
    ),
    "joined by slashes, by module": (
        of_numpy(lambda name, mask: (name.removesuffix(".weight").replace(".", "/"), mask)),
        ["--checkpoint", "model"],
    ),
    "below a key of its own, with metadata": (
        of_torch("m.pt", lambda m: {"pruning_masks": m, "sparsity": 0.4, "epoch": 3}),
        [],
    ),
    "under other names": (
        of_numpy(lambda name, mask: (name.replace("h.0.", "blocks.0."), mask)),
        ["--rename", "blocks.*=h.*"],
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    save_tensors(tmp_path / "model" / "model.safetensors", {name: stored(FULL[name]) for name in SHAPES})
    (tmp_path / "model" / "config.json").write_text('{"model_type": "gpt2", "n_embd": 8}')
    return Project(tmp_path)


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
@pytest.mark.parametrize("case", RIGHT)
def test_masks_of_others_become_masks(project: Project, case: str, suffix: str) -> None:
    make, arguments = RIGHT[case]
    source = make(project.path("."))
    outcome = project.cli("mask", "convert", source, "--output", f"out{suffix}", *arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert (outcome.json["zeros"], outcome.json["elements"]) == (ZEROS, sum(mask.size for mask in KEPT.values()))
    masks = open_masks(project.path(f"out{suffix}"))
    assert set(masks.tensors) == set(KEPT)
    for name, mask in KEPT.items():
        assert numpy.array_equal(masks.mask(name), mask), name
        assert outcome.json["tensors"][name]["zeros"] == int((~mask).sum())
    assert masks.facts["zeros"] == ZEROS
    if "metadata" in case:
        assert masks.facts["stated"] == {"sparsity": 0.4, "epoch": 3}


def test_names_are_mapped_by_a_file_with_places(project: Project) -> None:
    source = of_numpy(lambda name, mask: (f"net.{name}", mask))(project.path("."))
    project.path("names.yaml").write_text("".join(f"net.{name}: {name}\n" for name in KEPT))
    arguments = ["mask", "convert", source, "--output", "out.npz", "--names", "names.yaml"]
    assert project.cli(*arguments).code == 0
    project.path("names.yaml").write_text(f"net.{UP}: {UP}\nnot.{OUT}: {OUT}\n")
    outcome = project.cli(*arguments)
    assert outcome.code == 2
    assert f"names.yaml:2:1: error: no mask is called 'not.{OUT}'" in outcome.err


def test_experts_one_by_one_become_the_stacked_ones(project: Project) -> None:
    stacked = {"gate_up_proj": _RANDOM.random((3, 12, 8)) < 0.5, "down_proj": _RANDOM.random((3, 8, 6)) < 0.5}
    modules = {"gate_up_proj": ("w1", "w3"), "down_proj": ("w2",)}
    alone = experts("layers.0.block_sparse_moe.experts", stacked, modules)
    save_tensors(project.path("m.safetensors"), alone)
    for layout in ("disk", "memory"):
        inside = {f"layers.0.mlp.experts.{name}": stored(mask * 2.0) for name, mask in stacked.items()}
        save_tensors(project.path(layout) / "model.safetensors", alone if layout == "disk" else inside)
        (project.path(layout) / "config.json").write_text('{"model_type": "mixtral", "hidden_size": 8}')
        outcome = project.cli("mask", "convert", "m.safetensors", "--checkpoint", layout, "--output", "o.npz")
        assert outcome.code == 0, outcome.err
        assert "0 removed weights are not zero in it, 0 kept ones are" in outcome.out
        masks = open_masks(project.path("o.npz"))
        for name, mask in stacked.items():
            assert numpy.array_equal(masks.mask(f"layers.0.mlp.experts.{name}"), mask)


def pickled(folder: Path) -> str:
    torch.save({"masks": {UP: torch.ones(2, 2)}, "of": Path("x")}, folder / "m.pt")
    return "m.pt"


def objects(folder: Path) -> str:
    numpy.savez(folder / "m.npz", **{UP: numpy.array([{"a": 1}], dtype=object)})
    return "m.npz"


def damaged(folder: Path) -> str:
    (folder / "m.npz").write_bytes(b"PK")
    return "m.npz"


def of_pruned(change: Callable[[str, Any], tuple[str, Any]], model_type: str = "gpt2") -> Make:
    def make(folder: Path) -> str:
        save_tensors(folder / "model" / "model.safetensors", {n: stored(FULL[n] * m) for n, m in KEPT.items()})
        (folder / "model" / "config.json").write_text(json.dumps({"model_type": model_type}))
        return of_numpy(change)(folder)

    return make


WITH = ["--checkpoint", "model"]
REFUSED: dict[str, tuple[Make, list[str], str]] = {
    "objects of torch": (pickled, [], "nothing is unpickled"),
    "objects of numpy": (objects, [], "nothing is unpickled"),
    "a list without names": (of_torch("m.pt", lambda m: list(m.values())), [], "a list, whose masks have no names"),
    "a sparse matrix of SciPy": (
        of_numpy(lambda name, mask: ({UP: "indices", SQUARE: "indptr", OUT: "shape"}[name], mask)),
        [],
        "a module, not as a tensor",
    ),
    "scores": (
        of_numpy(lambda name, mask: (name, mask * 0.5)),
        [],
        "values are neither 0 nor 1, the first is 0.5 at [0, 0]",
    ),
    "indices of what is kept": (
        of_numpy(lambda name, mask: (name, numpy.argwhere(mask))),
        WITH,
        "neither 0 nor 1",
    ),
    "inverted, of a pruned checkpoint": (
        of_pruned(lambda name, mask: (name, ~mask)),
        WITH,
        "state --inverted: 1 stands for what was pruned",
    ),
    "called inverted, of a pruned checkpoint": (
        of_pruned(lambda name, mask: (name, mask)),
        [*WITH, "--inverted"],
        "leave --inverted out: 1 stands for what is kept",
    ),
    "packed in the other order, of a pruned checkpoint": (
        of_pruned(lambda name, mask: (name, numpy.packbits(mask))),
        [*WITH, "--bits", "little"],
        "none would be read otherwise\n    state --bits big",
    ),
    "a square one transposed, of a pruned checkpoint": (
        of_pruned(transposed, "llama"),
        [*WITH, "--transposed", "c_fc", "mlp.c_proj"],
        f"the mask of {SQUARE} removes",
    ),
    "a square one called transposed": (
        of_pruned(lambda name, mask: (name, mask), "llama"),
        [*WITH, "--transposed", "attn.c_proj"],
        "leave its module out of --transposed",
    ),
    "flattened, without a model": (of_numpy(lambda n, mask: (n, mask.ravel())), [], "flattened, or of a vector"),
    "by module, without a model": (of_numpy(lambda n, m: (n.removesuffix(".weight"), m)), [], "called as a module"),
    "packed, of an unknown order": (of_numpy(lambda n, m: (n, numpy.packbits(m))), WITH, "state --bits big"),
    "packed, with bits after the last weight": (
        of_numpy(lambda n, m: (n, numpy.packbits(m, axis=-1) | 1)),
        [*WITH, "--bits", "big"],
        f"the mask {UP} has bits beyond its 160 weights",
    ),
    "packed, of another length": (
        of_numpy(lambda n, m: (n, numpy.packbits(m)[:-1])),
        [*WITH, "--bits", "big"],
        "neither 0 nor 1",
    ),
    "transposed": (
        of_numpy(transposed),
        WITH,
        f"the mask {UP} has the shape [20, 8], its tensor [8, 20]: it is",
    ),
    "a square one among transposed ones": (
        of_numpy(transposed),
        [*WITH, "--transposed", "c_fc", "mlp.c_proj"],
        f"the mask of {SQUARE} is square",
    ),
    "not transposed": (
        of_numpy(lambda n, m: (n, m)),
        [*WITH, "--transposed", "c_fc"],
        f"the mask {UP} has the shape [8, 20], its tensor [8, 20]: it lies as its tensor does",
    ),
    "one value for each unit": (
        of_numpy(lambda n, m: (n, m.all(axis=1))),
        WITH,
        "one value for each unit",
    ),
    "another model's": (of_numpy(lambda n, m: (n, m[:5, :5])), WITH, "was it made for another model"),
    "another name": (of_numpy(lambda n, m: (f"x.{n}", m)), WITH, "is for no tensor of the checkpoint"),
    "two for one tensor": (
        of_torch("m.pt", lambda m: {**m, f"module.{UP}": m[UP]}),
        [],
        f"{UP} and module.{UP} are both masks of {UP}",
    ),
    "a renaming of nothing": (of_numpy(lambda n, m: (n, m)), ["--rename", "a=b"], "no mask is called 'a'"),
    "a renaming that is none": (of_numpy(lambda n, m: (n, m)), ["--rename", "a"], "not OLD=NEW"),
    "a file that is damaged": (
        damaged,
        [],
        "no masks of",
    ),
    "no file": (lambda folder: "none.pt", [], "no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_mask_of_the_model_is_refused_and_nothing_is_written(project: Project, case: str) -> None:
    make, arguments, message = REFUSED[case]
    source = make(project.path("."))
    outcome = project.cli("mask", "convert", source, "--output", "out.npz", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(project.path(".").glob("*out*"))


def test_every_misfit_is_told_at_once(project: Project) -> None:
    source = of_numpy(lambda name, mask: (f"x.{name}", mask))(project.path("."))
    outcome = project.cli("mask", "convert", source, "--output", "out.npz", *WITH)
    assert outcome.err.count("is for no tensor of the checkpoint") == len(KEPT)


def test_the_counts_are_printed(project: Project) -> None:
    source = of_torch("m.pt")(project.path("."))
    told = project.cli("mask", "convert", source, "--output", "out.npz", *WITH).out
    assert f"{ZEROS:,} of {sum(mask.size for mask in KEPT.values()):,} weights are removed" in told
    assert f"{ZEROS:,} removed weights are not zero in it, 0 kept ones are" in told
    assert json.loads(project.cli("mask", "stats", "out.npz", "--format", "json").out)["zeros"] == ZEROS
