"""Which dimension of a weight its inputs lie along: where "per output" and "N of M" count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from framework.evidence.architectures import known_names
from framework.evidence.architectures.roles import Architecture

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

INPUT_FIRST = "input_first"
"""The fact of a mask file that names the modules whose weights are stored as [..., inputs, outputs]."""

Shapes = Mapping[str, tuple[int, ...]]


def input_first(architecture: Architecture, shapes: Shapes) -> frozenset[str]:
    """The weights that are stored as [..., inputs, outputs]; all others are [outputs, inputs, ...], or [experts,
    outputs, inputs] where experts are stacked."""
    return frozenset(name for name, shape in shapes.items() if _turned(architecture, name, shape))


def modules_turned(turned: Iterable[str], names: Iterable[str]) -> list[str]:
    """The shortest module names that mean the weights of ``turned``, and no other of ``names``: `down_proj`, but
    `experts.down_proj` beside a shared expert that lies the other way round."""
    own = set(turned)
    others = [f".{name.removesuffix('.weight')}" for name in names if name not in own]
    found = set()
    for name in own:
        parts = name.removesuffix(".weight").split(".")
        ends = (".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1))
        found.add(next((end for end in ends if not any(each.endswith(f".{end}") for each in others)), name))
    return sorted(found)


def without_orientation(architecture: Architecture, shapes: Shapes) -> list[str]:
    """The weights of which nobody says along which dimension their inputs lie."""
    own = known_names.OTHER_WEIGHTS_OF.get(architecture.model_type or "", ())
    return [
        name
        for name, shape in shapes.items()
        if _last(name) in own or (is_stacked(name, shape) and _turned(architecture, name, shape) is None)
    ]


def rows_of(name: str, shape: tuple[int, ...], turned: bool = False) -> tuple[int, int]:
    """A weight as [outputs, inputs]: of a convolution the inputs are all that one output reads; stacked experts are
    [experts, outputs, inputs], or ``turned``."""
    if turned:
        return math.prod(shape) // max(shape[-2], 1), shape[-2]
    split = 1 if name.endswith(".weight") and not is_stacked(name, shape) else max(len(shape) - 1, 1)
    return math.prod(shape[:split]), math.prod(shape[split:])


def matrices(architecture: Architecture, shapes: Shapes) -> dict[str, tuple[int, int]]:
    """Each weight as (outputs, inputs)."""
    turned = input_first(architecture, shapes)
    return {name: rows_of(name, shape, name in turned) for name, shape in shapes.items()}


def in_rows(name: str, values: Array, turned: bool) -> Array:
    """An array of a weight's shape as [outputs, inputs]."""
    rows = rows_of(name, values.shape, turned)
    return (values.swapaxes(-1, -2) if turned else values).reshape(rows)


def from_rows(rows: Array, shape: tuple[int, ...], turned: bool) -> Array:
    """The inverse."""
    if not turned:
        return rows.reshape(shape)
    return rows.reshape(*shape[:-2], shape[-1], shape[-2]).swapaxes(-1, -2)


def _turned(architecture: Architecture, name: str, shape: tuple[int, ...]) -> bool | None:
    """Whether inputs come before outputs; None where nothing says so of stacked experts.

    Of these the model's width tells, where the two dimensions differ; else the `model_type`.
    """
    if not is_stacked(name, shape):
        modules: Iterable[str] = known_names.CONV1D.get(architecture.model_type or "", ())
        return len(shape) == 2 and name.endswith(".weight") and _last(name) in modules
    first, second = (size == architecture.hidden for size in shape[1:])
    if first != second:
        return first is (_last(name) in known_names.INTO_EXPERTS)
    if architecture.model_type in known_names.EXPERTS_INPUT_FIRST:
        return True
    return False if architecture.model_type in known_names.EXPERTS_OUTPUT_FIRST else None


def is_stacked(name: str, shape: tuple[int, ...]) -> bool:
    """Experts in one tensor; of three dimensions are the weights of convolutions, too."""
    *path, last = name.removesuffix(".weight").split(".")
    if len(shape) != 3 or last not in known_names.INTO_EXPERTS | known_names.OUT_OF_EXPERTS:
        return False
    return (
        not name.endswith(".weight") or last in known_names.PARALLEL_EXPERTS or not known_names.EXPERTS.isdisjoint(path)
    )


def _last(name: str) -> str:
    """The module of a `.weight`, or the parameter's own name."""
    return name.removesuffix(".weight").rpartition(".")[2]
