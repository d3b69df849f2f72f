"""Masks remove exactly as many weights as asked, whatever the scores are."""

from __future__ import annotations

import pytest
import torch

from runners.sparsity.exactly.exact import keep_masks

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def by_sorting(scores: dict[str, torch.Tensor], zeros: int) -> torch.Tensor:
    """The specification, literally: sort by score; among equal scores the last position goes first."""
    flat = torch.cat([score.flatten().double() for score in scores.values()]).tolist()
    gone = sorted(range(len(flat)), key=lambda index: (flat[index], -index))[:zeros]
    keep = torch.ones(len(flat), dtype=torch.bool)
    keep[gone] = False
    return keep


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(5))
def test_exactly_the_lowest_go_under_massive_ties(dtype: torch.dtype, seed: int) -> None:
    torch.manual_seed(seed)
    scores = {str(i): (torch.randn(3 + i, 7) * 2).round().div(3).to(dtype) for i in range(4)}
    elements = sum(score.numel() for score in scores.values())
    for zeros in (0, 1, elements // 3, elements // 2, elements - 1, elements):
        masks = keep_masks(scores, zeros)
        assert all(masks[name].shape == score.shape for name, score in scores.items())
        assert torch.equal(torch.cat([mask.flatten() for mask in masks.values()]), by_sorting(scores, zeros))


@pytest.mark.parametrize("value", [0.0, 1.0, float("inf"), -2.5])
def test_equal_scores_are_kept_from_the_first_on(value: float) -> None:
    masks = keep_masks({"a": torch.full((4,), value), "b": torch.full((2, 3), value)}, 5)
    assert masks["a"].tolist() == [True] * 4
    assert masks["b"].flatten().tolist() == [True] + [False] * 5


def test_negative_zero_and_zero_tie() -> None:
    keep = keep_masks({"a": torch.tensor([-0.0, 0.0, -0.0, 0.0])}, 2)["a"]
    assert keep.tolist() == [True, True, False, False]


def test_order_of_extreme_floats() -> None:
    ordered = torch.tensor([float("-inf"), -3.0, -1e-40, 0.0, 1e-40, 1e-38, 2.0, 3e38, float("inf")])
    for zeros in range(len(ordered) + 1):
        assert keep_masks({"a": ordered}, zeros)["a"].tolist() == [index >= zeros for index in range(len(ordered))]


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="5 of 4"):
        keep_masks({"a": torch.ones(4)}, 5)
    with pytest.raises(ValueError, match="not a number"):
        keep_masks({"a": torch.tensor([1.0, float("nan")])}, 1)
