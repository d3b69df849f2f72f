"""Dimensions whose order no output depends on: where they lie in which tensors, and how they are put in another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

See = Callable[[int, Tensor], None]
"""Takes the index of a layer and the values that one forward pass has there, [groups, observations, size]."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a dimension of n lies in a tensor: the last ``copies`` blocks of n indices of ``dimension``. What comes
    before them stays where it is (in Mamba's `x_proj` the rows of the time step, before those of B and C)."""

    dimension: int
    copies: int = 1

    def reordered(self, tensor: Tensor, order: Tensor) -> Tensor:
        """A tensor whose index i holds what index ``order[i]`` held, in each block."""
        first = tensor.shape[self.dimension] - self.copies * len(order)
        blocks = [first + copy * len(order) + order for copy in range(self.copies)]
        index = torch.cat([torch.arange(first), *blocks]).to(tensor.device)
        return tensor.index_select(self.dimension, index)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of every layer that can be reordered.

    ``prefix`` names the module of layer `{layer}`, ``layers`` and ``size`` read their numbers off the model's
    configuration. ``axes`` says for each tensor of that module where the dimension lies; biases that a model does
    without may be among them, and those that are ``optional``. ``values`` watches the modules' forward passes.
    """

    prefix: str
    layers: Callable[[Any], int]
    size: Callable[[Any], int]
    axes: Mapping[str, Axis]
    values: Callable[[Sequence[nn.Module], See], AbstractContextManager[None]]
    optional: frozenset[str] = frozenset()

    def prefixes(self, config: Any) -> list[str]:
        """The module of each layer, by name."""
        return [self.prefix.format(layer=index) for index in range(self.layers(config))]

    def axes_of(self, model: Any) -> Iterator[tuple[str, str, Axis]]:
        """For every tensor of the model that the dimension lies in: its layer's module, its own name, and where."""
        parameters = dict(model.named_parameters())
        for prefix in self.prefixes(model.config):
            for name, axis in self.axes.items():
                if f"{prefix}.{name}" in parameters or not (name.endswith(".bias") or name in self.optional):
                    yield prefix, f"{prefix}.{name}", axis


def reorder(
    model: Any, dimension: Dimension, orders: Mapping[str, Tensor], masks: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Put a dimension of each layer in another order, in place.

    Args:
        orders: int64 [size] for each layer's module: at new index i comes what was at ``orders[...][i]``.
        masks: Masks of the model's weights, by tensor name.

    Returns:
        The masks, in the same order as the weights then are.
    """
    parameters, reordered = dict(model.named_parameters()), dict(masks)
    with torch.no_grad():
        for prefix, name, axis in dimension.axes_of(model):
            parameters[name].copy_(axis.reordered(parameters[name], orders[prefix]))
            if name in masks:
                reordered[name] = axis.reordered(masks[name], orders[prefix])
    return reordered


def inputs_of(reader: str) -> Callable[[Sequence[nn.Module], See], AbstractContextManager[None]]:
    """The values of a dimension that one linear map reads: the inputs of each layer's submodule ``reader``, one
    observation per token."""

    @contextmanager
    def watch(layers: Sequence[nn.Module], see: See) -> Iterator[None]:
        def hook(index: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            return lambda module, inputs: see(index, inputs[0].flatten(0, -2)[None])

        handles = [
            layer.get_submodule(reader).register_forward_pre_hook(hook(index)) for index, layer in enumerate(layers)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    return watch
