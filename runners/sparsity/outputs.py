"""The outputs of single weights, as units to remove: each with its bias, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from framework.evidence.orientation import is_stacked, rows_of
from runners.sparsity.channels import Layer, Slice


def with_biases(names: Iterable[str], shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """The weights and the biases of their modules, which go with whole outputs."""
    both = [[name, f"{name.removesuffix('.weight')}.bias"] for name in names]
    return sorted(name for pair in both for name in pair if name in shapes)


def output_layers(shapes: Mapping[str, tuple[int, ...]], input_first: frozenset[str]) -> list[Layer]:
    """Each weight's outputs, with their biases."""
    layers = []
    for name, shape in shapes.items():
        if name.endswith(".bias"):
            continue
        turned = name in input_first
        stacked = is_stacked(name, shape) or (len(shape) > 2 and not name.endswith(".weight"))
        dimension = len(shape) - 1 if turned else 1 if stacked else 0
        outputs = rows_of(name, shape, turned)[0]
        slices = {name: Slice(dimension, stacked=stacked)}
        bias = f"{name.removesuffix('.weight')}.bias"
        if bias in shapes:
            slices[bias] = Slice(0)
        layers.append(Layer(name.removesuffix(".weight"), outputs, slices))
    return layers
