"""Wanda (Sun et al. 2023, "A Simple and Effective Pruning Approach for Large Language Models", equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from runners.sparsity.scores import Measured, Score
from runners.sparsity.scores.inputs import is_input_first, watch_inputs


def wanda(measured: Measured) -> dict[str, Tensor]:
    """|W_ij| times the L2 norm, over all calibration tokens, of input j: float32, on the CPU. The paper compares the
    weights of each output with each other (`scope: output`).

    Raises:
        FrameworkError: a weight is not that of a linear map.
    """
    squares: dict[str, Tensor] = {}

    def see(name: str, tokens: Tensor) -> None:
        own = tokens.double().square().sum(dim=0).cpu()
        squares[name] = squares[name] + own if name in squares else own

    matrices = {name: weight for name, weight in measured.weights.items() if weight.dim() > 1}
    watch_inputs(Measured(matrices, measured.seed, measured.model, measured.batches), see)
    found = {}
    for name, weight in measured.weights.items():
        size = weight.detach().float().cpu().abs()
        if name not in squares:  # a bias has no input of its own
            found[name] = torch.zeros_like(size)
            continue
        norms = squares[name].sqrt().float()
        found[name] = size * (norms[:, None] if is_input_first(measured, name) else norms)
    return found


WANDA = Score(wanda, by_layer=True)
