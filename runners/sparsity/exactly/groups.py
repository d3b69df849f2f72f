"""Exactly as many kept in each of many small groups: per output of a weight, or N of each M neighbouring inputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy

from framework.errors import UsageError
from framework.evidence.orientation import from_rows, in_rows, rows_of
from runners.sparsity.exactly.keyed import Keys
from runners.sparsity.exactly.packing import Sink

Array = numpy.ndarray[Any, Any]

_BLOCK = 1 << 20


def kept_of_each(keys: Array, zeros: int) -> Array:
    """Which keys of each group stay when the ``zeros`` lowest go; of equal ones the first positions stay.

    Args:
        keys: Unsigned integers [groups, size].
        zeros: From 0 to ``size``.
    """
    groups, size = keys.shape
    if zeros in (0, size):
        return numpy.full((groups, size), zeros == 0)
    threshold = numpy.partition(keys, zeros, axis=1)[:, zeros, None]
    above = keys > threshold
    tied = keys == threshold
    ties = size - zeros - above.sum(axis=1, keepdims=True)
    kept: Array = above | (tied & (tied.cumsum(axis=1) <= ties))
    return kept


def write_groups(
    keys: Keys,
    shapes: Mapping[str, tuple[int, ...]],
    size: int | None,
    zeros: Sequence[Callable[[int], int]],
    input_first: Container[str],
    sink: Sink,
) -> None:
    """Write the masks of groups along the inputs of each weight, a block of outputs at a time.

    Args:
        size: How many neighbouring inputs make a group; None makes one of all inputs of an output.
        zeros: For each level, how many go of a group of that size.
        input_first: The weights stored as [..., inputs, outputs]; these are held whole, or an expert at a time.

    Raises:
        UsageError: the inputs of a weight do not divide into groups.
    """
    for name, shape in shapes.items():
        rows, inputs = rows_of(name, shape, name in input_first)
        own = size or inputs
        if inputs % own:
            raise UsageError(f"{name} has {inputs} inputs, which do not divide into groups of {own}")
        turned = turned_piece(shape) if name in input_first else None
        block = max(_BLOCK // max(inputs, 1) // 8, 1) * 8 if turned is None else turned[-1] * turned[0]
        for first in range(0, rows, block):
            last = min(first + block, rows)
            held = _numbers(keys, name, first * inputs, last * inputs)
            if turned is not None:
                held = numpy.ascontiguousarray(in_rows(name, held.reshape(turned), True))
            for level, removed in enumerate(zeros):
                kept = kept_of_each(held.reshape(-1, own), removed(own)).reshape(last - first, inputs)
                flat = kept if turned is None else from_rows(kept, turned, True)
                sink.write(level, name, first * inputs, numpy.packbits(flat, bitorder="little"))


def turned_piece(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """What is held at once of a weight stored as [..., inputs, outputs]: one expert where its bits fill whole bytes."""
    *stacked, inputs, outputs = shape
    return (1 if inputs * outputs % 8 == 0 else int(numpy.prod(stacked, dtype=int)), inputs, outputs)


def _numbers(keys: Keys, name: str, start: int, stop: int) -> Array:
    found = keys.read(name, start, stop)
    if found.size and int(found.max()) > keys.largest:
        raise ValueError(f"a score of {name} is not a number")
    return found
