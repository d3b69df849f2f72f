"""A held mask: masked weights take no part in the gradients, and are zero after every update."""

from __future__ import annotations

import pytest
import torch

from framework.errors import FrameworkError
from runners.sparsity.held import HeldMasks

MASK = torch.tensor([[True, False], [False, True]])


def linear() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(2, 2, bias=False)


def test_what_is_masked_is_zero_from_the_beginning() -> None:
    layer = linear()
    kept = layer.weight.detach().clone()[MASK]
    HeldMasks(layer, {"weight": MASK})
    assert torch.equal(layer.weight[MASK], kept)
    assert layer.weight[~MASK].tolist() == [0.0, 0.0]


def test_masked_gradients_are_out_before_the_norm_is_taken() -> None:
    layer = linear()
    held = HeldMasks(layer, {"weight": MASK})
    layer(torch.ones(1, 2)).sum().backward()
    held.after_backward()
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad, MASK.float())


def test_an_update_cannot_move_a_masked_weight() -> None:
    layer = linear()
    held = HeldMasks(layer, {"weight": MASK})
    with torch.no_grad():
        layer.weight.add_(1.0)
    held.after_update()
    assert layer.weight[~MASK].tolist() == [0.0, 0.0]
    assert not torch.signbit(layer.weight[~MASK]).any()


@pytest.mark.parametrize(
    ("masks", "message"),
    [({"wieght": MASK}, "no such tensor"), ({"weight": MASK[:1]}, r"shape \(1, 2\) and the tensor \(2, 2\)")],
)
def test_a_mask_of_something_else_is_refused(masks: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(FrameworkError, match=message):
        HeldMasks(linear(), masks)
