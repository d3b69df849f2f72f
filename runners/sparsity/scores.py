"""What decides which weights go. A score is float32 of the weight's shape; the lowest go first."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from runners.registry import Registry
from runners.seeds import generator

Score = Callable[[str, Tensor, int], Tensor]
"""From a tensor's name, its weight and the run's seed to its scores."""

SCORES: Registry[Score] = Registry(
    "score",
    "framework.scores",
    {"magnitude": "runners.sparsity.scores:magnitude", "random": "runners.sparsity.scores:random"},
)


def magnitude(name: str, weight: Tensor, seed: int) -> Tensor:
    """The absolute value (Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks")."""
    return weight.detach().float().abs()


def random(name: str, weight: Tensor, seed: int) -> Tensor:
    """Uniform numbers that depend on the seed and the tensor's name; what is zero already goes first."""
    scores = 1 - torch.rand(weight.shape, generator=generator(seed, "random score", name))
    return scores * (weight.detach().cpu() != 0)
