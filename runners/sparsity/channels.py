"""Inner channels and attention heads: which slices of which weights belong to one, so that zeroing all removes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from framework.errors import UsageError
from framework.names import did_you_mean


@dataclass(frozen=True, slots=True)
class Slice:
    """Where inner channels lie in one module's weight, along ``dimension``.

    That dimension is ``copies`` blocks, each of all n channels in order; a channel has the same number of neighbouring
    indices in each (one, or the width of an attention head). Where the first dimension stacks experts
    (``stacked``), each has n / experts channels of its own: those of the first expert come first.
    """

    dimension: int
    copies: int = 1
    stacked: bool = False

    def _experts(self, weight: Tensor) -> int:
        return weight.shape[0] if self.stacked else 1

    def spread(self, values: Tensor, weight: Tensor) -> Tensor:
        """One value per channel ([n]) as a tensor that broadcasts over the weight."""
        experts = self._experts(weight)
        width = weight.shape[self.dimension] * experts // (self.copies * len(values))
        own = values.view(experts, -1).repeat_interleave(width, dim=1).repeat(1, self.copies)
        shape = [1] * weight.dim()
        shape[self.dimension] = -1
        if self.stacked:
            shape[0] = experts
        return own.view(shape)

    def collect(self, weight: Tensor, channels: int) -> Tensor:
        """Sum of the weight's values per channel: [n]."""
        kept = {self.dimension, 0} if self.stacked else {self.dimension}
        others = [dimension for dimension in range(weight.dim()) if dimension not in kept]
        experts = self._experts(weight)
        own = weight.sum(dim=others) if others else weight  # over no dimension torch sums over all
        return own.view(experts, self.copies, channels // experts, -1).sum(dim=(1, 3)).flatten()

    def size(self, weight: Tensor, channels: int) -> int:
        """How many of the weight's values belong to one channel."""
        return weight.numel() // channels


@dataclass(frozen=True, slots=True)
class Layout:
    """The inner channels of an architecture, or its attention heads.

    ``prefix`` names the module that holds them in layer `{layer}`, ``layers`` and ``channels`` read their numbers off
    the model's configuration, and ``slices`` says for each of that module's submodules where they lie in its weight;
    without a ``suffix``, for each of that module's own tensors. ``optional`` says of submodules that only some
    configurations have whether one has them.
    """

    prefix: str
    layers: Callable[[Any], int]
    channels: Callable[[Any], int]
    slices: Mapping[str, Slice]
    suffix: str = ".weight"
    optional: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)

    def has(self, config: Any, module: str) -> bool:
        """Whether a model of this configuration has the submodule."""
        return module in self.slices and self.optional.get(module, _always)(config)


def _always(config: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Layer:
    """The inner channels of one layer: their number, and where they lie in which weights (by tensor name)."""

    prefix: str
    channels: int
    slices: Mapping[str, Slice]

    def channel_size(self, weights: Mapping[str, Tensor]) -> int:
        """How many weights go when one channel goes."""
        return sum(where.size(weights[name], self.channels) for name, where in self.slices.items())

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
            total += where.collect(values[name].detach().double().cpu(), self.channels)
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
        chosen = {
            f"{prefix}.{module}{layout.suffix}": layout.slices[module]
            for module in modules
            if layout.has(config, module)
        }
        yield Layer(prefix, layout.channels(config), chosen)
