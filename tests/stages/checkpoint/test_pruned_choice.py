"""Which weights had to go is recomputed from the checkpoint before, apart from the code that prunes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.evidence.masks import MaskFile
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import Prune
from framework.stages.checkpoint.recomputed.lowest_scores import misplaced
from framework.stages.checkpoint.recomputed.pruned_channels import misplaced_channels
from framework.stages.run.observed import NotRecorded
from tests.support.tensors import save_tensors, stored


def found(
    tmp_path: Path,
    weights: dict[str, Any],
    masks: dict[str, Any],
    dtype: str = "F32",
    family: str = "llama",
    **prune: Any,
) -> str | None:
    parent = save_tensors(tmp_path / "a.safetensors", {name: stored(own, dtype) for name, own in weights.items()})
    kept = {name: stored(numpy.asarray(own, bool), "BOOL") for name, own in masks.items()}
    mask = MaskFile(save_tensors(tmp_path / "m.safetensors", kept))
    work = Prune(**{"sparsity": 0.5, "tensors": ["x"], **prune})
    recompute = misplaced_channels if work.structure == "channel" else misplaced
    return recompute(TensorFile(parent), mask, sorted(masks), work, 1, family)


ONE, TWO = [[1.0, -4.0], [3.0, 2.0]], [[5.0, 8.0], [-6.0, 7.0]]


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
def test_the_lowest_of_the_model_or_of_each_layer(tmp_path: Path, dtype: str) -> None:
    weights = {"a.weight": ONE, "b.weight": TWO}
    model = {"a.weight": [[0, 0], [0, 0]], "b.weight": [[1, 1], [1, 1]]}
    layer = {"a.weight": [[0, 1], [1, 0]], "b.weight": [[0, 1], [0, 1]]}
    assert found(tmp_path, weights, model, dtype) is None
    assert found(tmp_path, weights, layer, dtype, scope="layer") is None
    assert "2 weights went whose magnitude is above" in (found(tmp_path, weights, layer, dtype) or "")
    other = layer | {"b.weight": [[1, 0], [1, 0]]}
    assert "2 of them in b.weight" in (found(tmp_path, weights, other, dtype, scope="layer") or "")


def test_of_equal_ones_the_last_go(tmp_path: Path) -> None:
    weights = {"a.weight": [[1.0, -1.0]], "b.weight": [[1.0, 1.0]]}
    right = {"a.weight": [[1, 1]], "b.weight": [[1, 0]]}
    assert found(tmp_path, weights, right) is None
    assert "an earlier one went" in (found(tmp_path, weights, right | {"b.weight": [[0, 1]]}) or "")
    later = {"a.weight": [[1, 0]], "b.weight": [[1, 1]]}
    assert "b.weight, which comes later, stayed" in (found(tmp_path, weights, later) or "")


def test_nothing_or_all_is_no_choice(tmp_path: Path) -> None:
    for value in (0, 1):
        assert found(tmp_path, {"a.weight": ONE}, {"a.weight": [[value] * 2] * 2}) is None


def test_random_scores_are_recomputed_from_the_seed(tmp_path: Path) -> None:
    from framework.evidence.score_keys import random_keys

    weights = numpy.ones((8, 8))
    weights[0] = 0
    keys = random_keys(1, "a.weight", 0, 64).reshape(8, 8) * (weights != 0)
    right = keys >= numpy.sort(keys.ravel())[32]
    assert found(tmp_path, {"a.weight": weights}, {"a.weight": right}, score="random") is None
    assert "random is above" in (
        found(tmp_path, {"a.weight": weights}, {"a.weight": right[::-1]}, score="random") or ""
    )


@pytest.mark.parametrize("stated", [{"structure": "1:2"}, {"scope": "output"}])
def test_each_group_for_itself(tmp_path: Path, stated: dict[str, Any]) -> None:
    weights = {"a.weight": ONE, "b.weight": TWO}
    right = {"a.weight": [[0, 1], [1, 0]], "b.weight": [[0, 1], [0, 1]]}
    assert found(tmp_path, weights, right, **stated) is None
    assert "in 1 groups of 2 inputs of a.weight" in (
        found(tmp_path, weights, right | {"a.weight": [[0, 1], [0, 1]]}, **stated) or ""
    )
    uneven = right | {"a.weight": [[1, 1], [0, 0]]}
    assert "2 groups of 2 inputs of a.weight do not keep exactly 1" in (
        found(tmp_path, weights, uneven, **stated) or ""
    )
    ties = {"a.weight": [[3.0, 3.0]]}
    assert found(tmp_path, ties, {"a.weight": [[1, 0]]}, **stated) is None
    assert "another weight went" in (found(tmp_path, ties, {"a.weight": [[0, 1]]}, **stated) or "")


def test_a_conv1d_has_its_inputs_first(tmp_path: Path) -> None:
    weights = {"h.0.mlp.c_fc.weight": [[1.0, 9.0], [5.0, 2.0], [3.0, 3.0], [4.0, 8.0]]}  # 4 inputs, 2 outputs
    right = {"h.0.mlp.c_fc.weight": [[0, 1], [1, 0], [0, 0], [1, 1]]}
    assert found(tmp_path, weights, right, family="gpt2", structure="2:4") is None
    assert found(tmp_path, weights, right, family="gpt2", scope="output") is None
    assert found(
        tmp_path,
        {"x.weight": weights["h.0.mlp.c_fc.weight"]},
        {"x.weight": right["h.0.mlp.c_fc.weight"]},
        scope="output",
    )


def test_channels_go_whole_and_the_lowest_first(tmp_path: Path) -> None:
    prefix = "model.layers.0.mlp."
    weights = {f"{prefix}gate_proj.weight": [[1.0], [3.0]], f"{prefix}down_proj.weight": [[2.0, 0.0]]}
    first = {f"{prefix}gate_proj.weight": [[0], [1]], f"{prefix}down_proj.weight": [[0, 1]]}
    second = {f"{prefix}gate_proj.weight": [[1], [0]], f"{prefix}down_proj.weight": [[1, 0]]}
    mixed = first | {f"{prefix}down_proj.weight": [[1, 0]]}
    assert found(tmp_path, weights, first, structure="channel") is None  # norms 5 ** 0.5 and 3
    assert "1 channels went whose norm is above" in (found(tmp_path, weights, second, structure="channel") or "")
    assert "in one of its tensors and stayed in another" in (found(tmp_path, weights, mixed, structure="channel") or "")
    wide = {f"{prefix}gate_proj.weight": [[1.0, 1.0], [3.0, 1.0]]}
    part = {f"{prefix}gate_proj.weight": [[0, 1], [1, 1]]}
    assert "a part of a channel" in (found(tmp_path, wide, part, structure="channel") or "")


def test_what_is_not_known_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match="no tensor b"):
        found(tmp_path, {"a.weight": ONE}, {"a.weight": [[1, 1], [0, 0]], "b.weight": [[1]]})
    with pytest.raises(NotRecorded, match="where the channels of a other lie"):
        found(tmp_path, {"a.weight": ONE}, {"a.weight": [[1, 1], [0, 0]]}, structure="channel", family="other")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bits", [0x7F800001, 0x7FC00000, 0x7F800000, 0xFF800000])
def test_norms_of_what_is_no_number_are_not_judged(tmp_path: Path, bits: int) -> None:
    """A signalling NaN, a NaN and both infinities: said, without a warning of the arithmetic."""
    name = "model.layers.0.mlp.gate_proj.weight"
    raw = numpy.array([[bits], [0x3F800000]], "<u4")
    parent = save_tensors(tmp_path / "a.safetensors", {name: ("F32", raw.shape, raw.tobytes())})
    mask = MaskFile(save_tensors(tmp_path / "m.safetensors", {name: stored(numpy.array([[0], [1]], bool), "BOOL")}))
    work = Prune(sparsity=0.5, tensors=["x"], structure="channel")
    with pytest.raises(NotRecorded, match="a norm that is no finite number"):
        misplaced_channels(TensorFile(parent), mask, [name], work, 1, "llama")
