"""A checkpoint held to its mask: names are compared whole, and every weight that should be zero is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.errors import InputError
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.mask_violations import Held, hold
from framework.evidence.masks import MaskFile
from tests.support.tensors import save_tensors, stored


def held(tmp_path: Path, masks: dict[str, Any], weights: dict[str, Any], dtype: str = "F32") -> list[Held]:
    mask = save_tensors(tmp_path / "mask.safetensors", {name: stored(own, "BOOL") for name, own in masks.items()})
    saved = save_tensors(tmp_path / "model.safetensors", {name: stored(own, dtype) for name, own in weights.items()})
    files = CheckpointFiles(saved)
    try:
        return hold(MaskFile(mask), files)
    finally:
        files.close()


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
def test_masked_weights_that_are_not_zero_are_counted_and_placed(tmp_path: Path, dtype: str) -> None:
    mask = [[True, False, False], [False, True, False]]
    weights = [[5.0, 0.0, 2.0], [-0.0, 0.0, -1.0]]
    assert held(tmp_path, {"a": mask}, {"a": weights, "b": [[1.0]]}, dtype) == [
        Held("a", "a", masked=4, returned=2, not_numbers=0, first=((0, 2), (1, 2)))
    ]


def test_the_first_places_of_many_are_named(tmp_path: Path) -> None:
    size = (1 << 20) + 1000  # more than is read at once
    weights = numpy.zeros(size)
    wrong = [3, 70, (1 << 20) - 1, 1 << 20, size - 2, size - 1]
    weights[wrong] = 1
    (found,) = held(tmp_path, {"a": numpy.zeros(size, bool)}, {"a": weights})
    assert (found.masked, found.returned) == (size, 6)
    assert found.first == tuple((place,) for place in wrong[:5])


def test_pruned_weights_that_are_nan_are_counted_apart(tmp_path: Path) -> None:
    (found,) = held(
        tmp_path, {"a": [False, False, False, True]}, {"a": [float("nan"), -float("nan"), 3.0, float("nan")]}
    )
    assert (found.masked, found.returned, found.not_numbers) == (3, 1, 2)
    (infinite,) = held(tmp_path, {"a": [False]}, {"a": [float("inf")]})
    assert (infinite.returned, infinite.not_numbers) == (1, 0)


def test_a_name_is_never_matched_by_a_part_of_it(tmp_path: Path) -> None:
    mask = {"layers.1.weight": [[False]]}
    with pytest.raises(InputError, match=r"has no tensor layers\.1\.weight, which is masked"):
        held(tmp_path, mask, {"layers.11.weight": [[0.0]], "model.layers.1.weight": [[0.0]]})


@pytest.mark.parametrize("prefix", ["", "base_model.model."])
def test_what_peft_renamed_is_found(tmp_path: Path, prefix: str) -> None:
    """Zeros counted under `in_proj.weight` after the adapter renamed it would be zeros of nothing."""
    stored_as = f"{prefix}mixer.in_proj.base_layer.weight"
    adapter = {f"{prefix}mixer.in_proj.lora_A.default.weight": [[1.0]]}
    (found,) = held(tmp_path, {"mixer.in_proj.weight": [[False]]}, {stored_as: [[7.0]], **adapter})
    assert (found.name, found.tensor, found.returned) == ("mixer.in_proj.weight", stored_as, 1)


def test_two_candidates_are_no_answer(tmp_path: Path) -> None:
    both = {"base_model.model.a.weight": [[0.0]], "base_model.model.a.base_layer.weight": [[0.0]]}
    with pytest.raises(InputError, match="for the one tensor"):
        held(tmp_path, {"a.weight": [[False]]}, both)


def test_another_shape_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a has the shape \(2, 1\), its mask \(1, 2\)"):
        held(tmp_path, {"a": [[False, True]]}, {"a": [[0.0], [0.0]]})


def test_whole_numbers_are_not_weights(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not read here: I32"):
        held(tmp_path, {"a": [False]}, {"a": [0]}, "I32")
