"""How strongly the places of a dimension go together, measured on calibration data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from runners.data.examples import Batch
from runners.models.dimensions import Dimension
from runners.training.objectives import logits_of

_CONSTANT = 1e-12
"""A variance of less than this part of the mean square is rounding."""


class Correlation:
    """|Pearson correlation| of each pair, over all observations of each group, averaged over the groups.

    A state-space model has one group per channel, whose states have their own scale; a group counts for the pairs of
    which it has both varying. Sums are float64, about the means of the first observations.
    """

    def __init__(self) -> None:
        self.count = 0
        self._about: Tensor | None = None
        self._sum: Any = 0.0
        self._products: Any = 0.0

    def add(self, values: Tensor) -> None:
        """Observe [groups, observations, size]."""
        values = values.double()
        if self._about is None:
            self._about = values.mean(dim=1, keepdim=True)
        centred = values - self._about
        self.count += values.shape[1]
        self._sum = self._sum + centred.sum(dim=1)
        self._products = self._products + centred.transpose(1, 2) @ centred

    def matrix(self) -> Tensor:
        """[size, size], float64 on the CPU, symmetric, with zeros where nothing varies together."""
        assert self._about is not None
        mean = self._sum / self.count
        covariance = self._products / self.count - mean[:, :, None] * mean[:, None, :]
        variance = covariance.diagonal(dim1=1, dim2=2).clamp(min=0)
        square = variance + (mean + self._about[:, 0]) ** 2
        scale = torch.where(variance > _CONSTANT * square, variance.rsqrt(), 0.0)
        strength = (covariance * scale[:, :, None] * scale[:, None, :]).abs().clamp(max=1)
        varies = (scale > 0).double()
        groups = varies.T @ varies
        mean_strength = strength.sum(dim=0) / groups.clamp(min=1)
        return ((mean_strength + mean_strength.T) / 2).cpu()


def measure(model: nn.Module, dimension: Dimension, examples: Iterable[Batch]) -> dict[str, Tensor]:
    """The correlations within a dimension, [size, size] for each layer's module, over a model's forward passes.

    Args:
        examples: Batches on the model's device, without padding: one example each.
    """
    config: Any = model.config
    found = {prefix: Correlation() for prefix in dimension.prefixes(config)}
    layers = list(found.values())
    was_training = model.training
    model.eval()
    modules = [model.get_submodule(prefix) for prefix in found]
    with torch.no_grad(), dimension.values(modules, lambda index, values: layers[index].add(values)):
        for batch in examples:
            logits_of(model, batch)
    model.train(was_training)
    return {prefix: correlation.matrix() for prefix, correlation in found.items()}
