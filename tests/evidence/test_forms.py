"""A weight has one meaning in whatever form it lies: behind a bitmask, pruned by torch, expert by expert."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.errors import InputError
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.forms.weights import WeightsFile
from tests.support.stored_forms import Entry, bitmask, experts, torch_pruned
from tests.support.tensors import save_tensors, stored

NAME = "model.layers.0.mlp.up_proj.weight"
MODULE = NAME.removesuffix(".weight")
_RANDOM = numpy.random.default_rng(3)
FULL = _RANDOM.standard_normal((9, 13)).astype("<f4")
WEIGHT = numpy.where(_RANDOM.random(FULL.shape) < 0.6, 0, FULL)
PAIRS = numpy.tile([True, False, False, True], (9, 3))
HALF = numpy.where(PAIRS, FULL[:, :12], 0)
HALF[4, 0] = 0  # kept by the bitmask of 2:4, and zero itself

FORMS: dict[str, tuple[dict[str, Entry], numpy.ndarray[Any, Any]]] = {
    "plain": ({NAME: stored(WEIGHT)}, WEIGHT),
    "sparse-bitmask": (bitmask(MODULE, WEIGHT), WEIGHT),
    "sparse-bitmask of version 0.5": (bitmask(NAME, WEIGHT), WEIGHT),
    "sparse-24-bitmask": (bitmask(MODULE, HALF, kept=PAIRS), HALF),
    "torch.nn.utils.prune": (torch_pruned(NAME, FULL, WEIGHT != 0), WEIGHT),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("opened", [CheckpointFiles, WeightsFile])
def test_a_weight_is_the_same_in_every_form(tmp_path: Path, form: str, opened: Callable[[Path], Any]) -> None:
    tensors, weight = FORMS[form]
    files = opened(save_tensors(tmp_path / "model.safetensors", {**tensors, "norm.weight": stored([1.0, 0.0])}))
    assert list(files.tensors) == [NAME, "norm.weight"]
    assert (files.tensors[NAME].dtype, files.tensors[NAME].shape) == ("F32", weight.shape)
    assert numpy.array_equal(files.bits(NAME).view("<f4"), weight)
    if isinstance(files, WeightsFile):
        assert files.zeros(NAME) == int((weight == 0).sum())
        assert numpy.array_equal(files.is_zero(NAME), weight == 0)
        assert files.zeros("norm.weight") == 1
        return
    buffer, flat = numpy.empty(weight.size, "<u4"), weight.ravel()
    for start in range(0, weight.size, 5):
        for stop in range(start + 1, weight.size + 1, 7):
            files.read(NAME, start, stop, buffer)
            assert numpy.array_equal(buffer[: stop - start].view("<f4"), flat[start:stop])
    files.close()


def test_sixteen_bits_are_sixteen_bits_behind_a_bitmask(tmp_path: Path) -> None:
    files = WeightsFile(save_tensors(tmp_path / "m.safetensors", bitmask(MODULE, WEIGHT, "BF16")))
    assert files.tensors[NAME].dtype == "BF16"
    assert numpy.array_equal(files.bits(NAME) == 0, WEIGHT == 0)
    assert files.kinds == {"stored with a bitmask": 1}


def test_what_is_not_finite_stays_no_number_under_a_mask_of_torch(tmp_path: Path) -> None:
    """Infinity times 0 is NaN, and so what the module computes with: no zero is counted."""
    tensors = torch_pruned("a.weight", [[numpy.inf, numpy.nan, 2.0, 3.0]], [[0, 0, 0, 1]])
    files = WeightsFile(save_tensors(tmp_path / "m.safetensors", tensors))
    assert numpy.array_equal(files.bits("a.weight").view("<f4"), [[numpy.nan, numpy.nan, 0, 3]], equal_nan=True)
    assert files.zeros("a.weight") == 1


def changed(tensors: dict[str, Entry], **parts: Entry | None) -> dict[str, Entry]:
    found = {**tensors, **{f"{MODULE}.{name}": entry for name, entry in parts.items() if entry}}
    return {name: entry for name, entry in found.items() if parts.get(name.rpartition(".")[2], 0) is not None}


COMPRESSED = bitmask(MODULE, WEIGHT)
_COUNTS = (WEIGHT != 0).sum(axis=1)
_ROWS = numpy.packbits(WEIGHT != 0, axis=-1, bitorder="little")
_BEYOND = _ROWS.copy()
_BEYOND[2, -1] |= 1 << 7
_UNEVEN = numpy.packbits(PAIRS, axis=-1, bitorder="little")
_UNEVEN[0, 0], _UNEVEN[1, 0] = 0b11111111, 0
BROKEN: dict[str, tuple[dict[str, Entry], str]] = {
    "no shape": (changed(COMPRESSED, shape=None), "is there without .*shape"),
    "no offsets": (changed(COMPRESSED, row_offsets=None), "is there without .*row_offsets"),
    "another shape": (changed(COMPRESSED, shape=stored([9, 20], "I64")), r"is U8 \[9, 2\], not U8 \[9, 3\]"),
    "three sizes": (changed(COMPRESSED, shape=stored([3, 3, 13], "I64")), "not two sizes of a matrix"),
    "a value too few": (
        changed(COMPRESSED, compressed=stored(WEIGHT[WEIGHT != 0][1:])),
        rf"marks {_COUNTS.sum()} weights, and {_COUNTS.sum() - 1} are stored",
    ),
    "other offsets": (changed(COMPRESSED, row_offsets=stored(_COUNTS.cumsum(), "I64")), "are not where the rows"),
    "bits beyond the columns": (changed(COMPRESSED, bitmask=stored(_BEYOND, "U8")), "marks 1 weights beyond its 13"),
    "not half of a row": (
        {**bitmask(MODULE, HALF, kept=PAIRS), f"{MODULE}.bitmask": stored(_UNEVEN, "U8")},
        "does not keep half of every row",
    ),
    "a mask of another shape": (
        {**torch_pruned(NAME, FULL, WEIGHT != 0), f"{NAME}_mask": stored(numpy.ones((13, 9)))},
        r"has the shape \[13, 9\], .*_orig \[9, 13\]",
    ),
    "a mask between 0 and 1": (
        {**torch_pruned(NAME, FULL, WEIGHT != 0), f"{NAME}_mask": stored(numpy.full((9, 13), 0.5))},
        r"neither 0 nor 1 at \[0, 0\]",
    ),
    "a weight in two forms": ({**COMPRESSED, NAME: stored(WEIGHT)}, "is there twice"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_form_is_named(tmp_path: Path, case: str) -> None:
    tensors, message = BROKEN[case]
    path = save_tensors(tmp_path / "m.safetensors", tensors)
    with pytest.raises(InputError, match=message) as caught:
        WeightsFile(path).bits(NAME)
    assert str(caught.value).startswith(f"{path}:1:1: ")


# Experts

MIXTRAL = {"gate_up_proj": ("w1", "w3"), "down_proj": ("w2",)}
QWEN = {"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)}
STACKED = {"gate_up_proj": _RANDOM.standard_normal((12, 10, 8)), "down_proj": _RANDOM.standard_normal((12, 8, 5))}
ON_DISK: dict[str, tuple[str, dict[str, tuple[str, ...]], str]] = {
    "mixtral": ("mixtral", MIXTRAL, "model.layers.1.block_sparse_moe"),
    "minimax": ("minimax", MIXTRAL, "model.layers.1.block_sparse_moe"),
    "qwen2_moe": ("qwen2_moe", QWEN, "model.layers.1.mlp"),
    "olmoe": ("olmoe", QWEN, "model.layers.1.mlp"),
}


@pytest.mark.parametrize("case", ON_DISK)
def test_experts_one_by_one_are_the_stacked_ones(tmp_path: Path, case: str) -> None:
    """Twelve of them: the tenth comes after the second."""
    family, modules, block = ON_DISK[case]
    tensors = experts(f"{block}.experts", STACKED, modules)
    tensors[f"{block}.gate.weight"] = stored(numpy.ones((12, 8)))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family, "hidden_size": 8}))
    path = save_tensors(tmp_path / "model.safetensors", dict(sorted(tensors.items())))
    for files in (CheckpointFiles(path), WeightsFile(path)):
        inner = "model.layers.1.mlp"
        assert list(files.tensors) == [
            f"{inner}.{n}" for n in ("experts.down_proj", "experts.gate_up_proj", "gate.weight")
        ]
        for name, values in STACKED.items():
            assert files.tensors[f"{inner}.experts.{name}"].shape == values.shape
            assert numpy.array_equal(files.bits(f"{inner}.experts.{name}").view("<f4"), values.astype("<f4"))


def test_experts_behind_bitmasks_are_stacked_too(tmp_path: Path) -> None:
    weights = {name: numpy.where(values > 0, values, 0) for name, values in STACKED.items()}
    tensors: dict[str, Entry] = {}
    for name, (_, shape, data) in experts("layers.0.block_sparse_moe.experts", weights, MIXTRAL).items():
        tensors |= bitmask(name.removesuffix(".weight"), numpy.frombuffer(data, "<f4").reshape(shape))
    (tmp_path / "config.json").write_text('{"model_type": "mixtral"}')
    files = WeightsFile(save_tensors(tmp_path / "model.safetensors", tensors))
    for name, values in weights.items():
        assert files.zeros(f"layers.0.mlp.experts.{name}") == int((values == 0).sum())
    assert files.kinds == {"stored expert by expert": 2, "stored with a bitmask": 36}


@pytest.mark.parametrize("config", [None, {"model_type": "llama4"}, {"model_type": "mixtral"}])
def test_experts_stay_as_they_are_where_no_table_or_no_whole_stack_says_more(
    tmp_path: Path, config: dict[str, str] | None
) -> None:
    tensors = experts("layers.0.mlp.experts", STACKED, MIXTRAL)
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
        if config["model_type"] == "mixtral":
            tensors = {name: entry for name, entry in tensors.items() if ".3." not in name}
    files = CheckpointFiles(save_tensors(tmp_path / "model.safetensors", tensors))
    assert set(files.tensors) == set(tensors)
