"""The product with (W + s L R) * M: one effective weight, one product, and gradients that never leave the mask.

What a sparse-to-sparse layer computes can be had in three ways. Beside the base product, `x W' + x (s (L R) * M)'`, it
costs two products of full size forward and four backward. Through autograd, one effective weight is kept for the
backward pass: four bytes for each weight. Here the effective weight is formed once for the forward product and once
more for the gradient of the input, and dropped both times; what is kept is the input, the two factors and a byte per
weight for the mask. L R costs 2 r multiplications per weight, against 2 n for the product with n tokens, so that
forming it twice is cheap from a few hundred tokens on. Three products of full size (forward, input's gradient, and
G = g' x, of which the factors' gradients are (G * M) R' and L' (G * M)) are the floor for exact gradients under any
mask, against plain LoRA's two. `benchmarks/sparse_lora.py` measures it.

On a CPU a mask is multiplied as bytes: filling by a random boolean mask costs 25 times as much (2.6 against 0.1 ms for
0.7M float32), for every branch is taken at random.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def effective_weight(weight: Tensor | None, left: Tensor, right: Tensor, keep: Tensor | None, scale: float) -> Tensor:
    """(W + s L R) * M, in the dtype of W and rounded to it once; without W the masked update alone, in L's dtype.

    Args:
        weight: [rows, columns], as it lies in its layer.
        left, right: [rows, rank] and [rank, columns].
        keep: [rows, columns] boolean, contiguous, True = kept; None keeps all.

    Returns:
        [rows, columns]; what is masked is zero, of either sign. The same under autocast as without it.
    """
    with torch.autocast(left.device.type, enabled=False):
        if weight is None:
            total = (left @ right).mul_(scale)
        else:
            total = torch.addmm(weight, left.to(weight.dtype), right.to(weight.dtype), alpha=scale)
    return total if keep is None else total.mul_(keep.view(torch.uint8))


def masked_linear(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    left: Tensor,
    right: Tensor,
    keep: Tensor | None,
    scale: float,
    transposed: bool = False,
) -> Tensor:
    """x times the effective weight, plus bias: [..., in] to [..., out].

    Under autocast the effective weight is formed in its own dtype, as a merge forms it, and the product is taken in
    autocast's.

    Args:
        transposed: The weight lies as [in, out] (transformers' Conv1D), not as [out, in].
    """
    device = x.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        x, bias = x.to(dtype), bias if bias is None else bias.to(dtype)
    with torch.autocast(device, enabled=False):
        return _MaskedLinear.apply(x, weight, bias, left, right, keep, scale, transposed)


class _MaskedLinear(torch.autograd.Function):
    """See the module; gradients of x, W, the bias, L and R, those of W, L and R masked. Only once differentiable."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        left: Tensor,
        right: Tensor,
        keep: Tensor | None,
        scale: float,
        transposed: bool,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, left, right, keep)
        ctx.scale, ctx.transposed = scale, transposed
        effective = effective_weight(weight, left, right, keep, scale).to(x.dtype)
        return F.linear(x, effective.T if transposed else effective, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, left, right, keep = ctx.saved_tensors
        by_x, by_weight, by_bias, by_left, by_right = ctx.needs_input_grad[:5]
        grads: list[Tensor | None] = [None] * 5
        with torch.autocast(x.device.type, enabled=False):
            rows = gradient.reshape(-1, gradient.shape[-1])
            if by_weight or by_left or by_right:
                inputs = x.reshape(-1, x.shape[-1])
                dense = inputs.T @ rows if ctx.transposed else rows.T @ inputs
                if keep is not None:
                    dense.mul_(keep.view(torch.uint8))
                if by_left:
                    grads[3] = (dense @ right.to(dense.dtype).T).to(left.dtype).mul_(ctx.scale)
                if by_right:
                    grads[4] = (left.to(dense.dtype).T @ dense).to(right.dtype).mul_(ctx.scale)
                if by_weight:
                    grads[1] = dense.to(weight.dtype)
                del dense
            if by_x:
                effective = effective_weight(weight, left, right, keep, ctx.scale).to(gradient.dtype)
                grads[0] = (rows @ (effective.T if ctx.transposed else effective)).view(x.shape)
            if by_bias:
                grads[2] = rows.sum(dim=0)
        return (*grads, None, None, None)
