"""Inner channels: which slices of which weights belong to one, so that zeroing them all removes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from framework.errors import UsageError
from framework.names import did_you_mean


@dataclass(frozen=True, slots=True)
class Slice:
    """Where inner channels lie in one module's weight: channel c of n is the indices c, c + n, ... (``copies`` of
    them) of ``dimension``."""

    dimension: int
    copies: int = 1

    def spread(self, values: Tensor, weight: Tensor) -> Tensor:
        """One value per channel ([n]) as a tensor that broadcasts over the weight."""
        shape = [1] * weight.dim()
        shape[self.dimension] = -1
        return values.repeat(self.copies).view(shape)

    def collect(self, weight: Tensor) -> Tensor:
        """Sum of the weight's values per channel: [n]."""
        others = [dimension for dimension in range(weight.dim()) if dimension != self.dimension]
        return weight.sum(dim=others).view(self.copies, -1).sum(dim=0)

    def size(self, weight: Tensor) -> int:
        """How many of the weight's values belong to one channel."""
        return self.copies * weight.numel() // weight.shape[self.dimension]


@dataclass(frozen=True, slots=True)
class Layout:
    """The inner channels of an architecture.

    ``prefix`` names the module that holds them in layer `{layer}`, ``layers`` and ``channels`` read their numbers off
    the model's configuration, and ``slices`` says for each of that module's submodules where they lie in its weight.
    """

    prefix: str
    layers: Callable[[Any], int]
    channels: Callable[[Any], int]
    slices: Mapping[str, Slice]


@dataclass(frozen=True, slots=True)
class Layer:
    """The inner channels of one layer: their number, and where they lie in which weights (by tensor name)."""

    prefix: str
    channels: int
    slices: Mapping[str, Slice]

    def channel_size(self, weights: Mapping[str, Tensor]) -> int:
        """How many weights go when one channel goes."""
        return sum(where.size(weights[name]) for name, where in self.slices.items())

    def spread(self, keep: Tensor, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A boolean value per channel ([n], True = kept) as full masks of each weight's shape."""
        return {
            name: where.spread(keep, weights[name]).expand(weights[name].shape).contiguous()
            for name, where in self.slices.items()
        }

    def scores(self, values: Mapping[str, Tensor]) -> Tensor:
        """Sum of the values of each channel over all its weights, in float64: [n]."""
        total = torch.zeros(self.channels, dtype=torch.float64)
        for name, where in self.slices.items():
            total += where.collect(values[name].detach().double().cpu())
        return total


def channel_layers(layout: Layout, config: Any, modules: Sequence[str]) -> Iterator[Layer]:
    """Every layer's inner channels, restricted to the named modules.

    Raises:
        UsageError: a module that holds no inner channels.
    """
    for module in modules:
        if module not in layout.slices:
            raise UsageError(f"no inner channel lies in {module!r}: {did_you_mean(module, layout.slices)}")
    for index in range(layout.layers(config)):
        prefix = layout.prefix.format(layer=index)
        chosen = {f"{prefix}.{module}.weight": layout.slices[module] for module in modules}
        yield Layer(prefix, layout.channels(config), chosen)
