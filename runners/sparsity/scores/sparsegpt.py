"""SparseGPT (Frantar & Alistarh 2023, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot").

Of each linear map Y = W X the weights that stay make up for those that go: one column after the other is pruned, and
its error is spread over the columns to its right by the inverse Hessian of ||WX - W'X||^2. What comes out is a mask and
another W, so a mask file alone is not its result: it belongs to the checkpoint that was saved with it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from framework.errors import FrameworkError
from runners.sparsity.exactly.exact import keep_masks
from runners.sparsity.scores import Measured, Solver
from runners.sparsity.scores.inputs import is_input_first, watch_inputs

_BLOCK, _DAMPING = 128, 0.01
"""The columns that are chosen from together, and what is added to the Hessian's diagonal as a part of its mean: those
of the paper (section 3.2 and appendix A)."""


def sparsegpt(measured: Measured, wanted: Any) -> dict[str, Tensor]:
    """The masks of the weights, which are changed in place; exactly the share asked of each weight, or N of each M.

    Raises:
        FrameworkError: a weight is not that of a linear map, or its Hessian cannot be inverted.
    """
    hessians: dict[str, Tensor] = {}

    def see(name: str, tokens: Tensor) -> None:
        own = tokens.double().T @ tokens.double()
        hessians[name] = hessians[name] + own if name in hessians else own

    watch_inputs(measured, see)
    masks = {}
    for name, weight in measured.weights.items():
        turned = is_input_first(measured, name)
        matrix = (weight.detach().T if turned else weight.detach()).double().clone()
        inverse = _inverse(name, hessians.pop(name))
        mask = solve(matrix, inverse, wanted.amounts[0].share or 0.0, wanted.pattern)
        with torch.no_grad():
            weight.copy_((matrix.T if turned else matrix).to(weight.dtype))
        masks[name] = (mask.T if turned else mask).contiguous().cpu()
    return masks


def _inverse(name: str, hessian: Tensor) -> Tensor:
    """The upper Cholesky factor of the inverse of the damped Hessian: float64 [inputs, inputs]. An input that is
    always zero gets a Hessian of its own, so that nothing is spread to or from it."""
    silent = hessian.diagonal() == 0
    hessian[silent, silent] = 1
    hessian += (
        _DAMPING * hessian.diagonal().mean() * torch.eye(len(hessian), dtype=hessian.dtype, device=hessian.device)
    )
    try:
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
        return torch.linalg.cholesky(inverse, upper=True)
    except torch.linalg.LinAlgError as problem:
        raise FrameworkError(f"the Hessian of {name} cannot be inverted: use more calibration examples") from problem


def solve(matrix: Tensor, inverse: Tensor, share: float, pattern: tuple[int, int] | None) -> Tensor:
    """Algorithm 1: prune a matrix in place, and return its mask (True = kept).

    Args:
        matrix: float64 [outputs, inputs].
        inverse: The upper Cholesky factor of the inverse Hessian, float64 [inputs, inputs].
        share: The share of the matrix to remove. A block of columns removes what is due up to its end, so that the
            whole is exact.
        pattern: (N, M) instead: N kept of each M neighbouring inputs.
    """
    outputs, inputs = matrix.shape
    kept = torch.ones(matrix.shape, dtype=torch.bool, device=matrix.device)
    block = _BLOCK if pattern is None else max(_BLOCK // pattern[1], 1) * pattern[1]
    for first in range(0, inputs, block):
        last = min(first + block, inputs)
        columns, factor = matrix[:, first:last], inverse[first:last, first:last]
        errors = torch.zeros_like(columns)
        own = kept[:, first:last]
        if pattern is None:
            due = round(share * outputs * last) - round(share * outputs * first)
            own.copy_(_lowest_go(columns, factor, due))
        for index in range(last - first):
            if pattern is not None and index % pattern[1] == 0:
                group = slice(index, index + pattern[1])
                own[:, group] = _n_of_each(columns[:, group] ** 2 / factor.diagonal()[group] ** 2, pattern[0])
            pruned = columns[:, index] * own[:, index]
            errors[:, index] = (columns[:, index] - pruned) / factor[index, index]
            columns[:, index:] -= errors[:, index, None] * factor[index, index:]
            columns[:, index] = pruned
        matrix[:, last:] -= errors @ inverse[first:last, last:]
    matrix.masked_fill_(~kept, 0)
    return kept


def _lowest_go(columns: Tensor, factor: Tensor, zeros: int) -> Tensor:
    scores = columns**2 / factor.diagonal() ** 2
    return keep_masks({"scores": scores}, zeros)["scores"].to(columns.device)


def _n_of_each(scores: Tensor, kept: int) -> Tensor:
    """The N highest of each row stay, the first of equal ones."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    mask = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
    return mask.scatter(1, order[:, :kept], True)


SPARSEGPT = Solver(sparsegpt)
