"""Where a file may be cut: between tensors, and between whole units of one; bytes of no interest anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from framework.evidence.tensors import StoredTensor, kind_of


class Part(NamedTuple):
    """The elements ``first`` to ``last`` of a tensor, which begin at a byte of the file."""

    tensor: StoredTensor
    first: int
    last: int
    at: int


class Chunk(NamedTuple):
    """The bytes ``start`` to ``stop`` of a file, and the parts of tensors among them."""

    start: int
    stop: int
    parts: tuple[Part, ...]


def chunks_of(size: int, tensors: Iterable[StoredTensor], units: Mapping[str, int], most: int) -> Iterator[Chunk]:
    """A file of ``size`` bytes in chunks of at most ``most`` (of one unit, where that alone is larger), each byte once.

    Args:
        tensors: Those whose parts are wanted; empty ones are left out.
        units: How many elements of each must stay together.

    Raises:
        ValueError: two of them share bytes.
    """
    start, stop = 0, 0
    parts: list[Part] = []
    for to, part in _pieces(size, tensors, units, most):
        if to - start > most and stop > start:
            yield Chunk(start, stop, tuple(parts))
            start, parts = stop, []
        stop = to
        if part is not None:
            parts.append(part)
    if stop > start:
        yield Chunk(start, stop, tuple(parts))


def _pieces(
    size: int, tensors: Iterable[StoredTensor], units: Mapping[str, int], most: int
) -> Iterator[tuple[int, Part | None]]:
    """What stays together, one after the other: the byte at which each ends."""
    at, before = 0, ""
    for tensor in sorted((each for each in tensors if each.elements), key=lambda each: each.start):
        if tensor.start < at:
            raise ValueError(f"{before} and {tensor.name} share bytes")
        yield from ((min(to, tensor.start), None) for to in range(at + most, tensor.start + most, most))
        width = int(kind_of(tensor.dtype)[-1])
        step = max(most // (width * units[tensor.name]), 1) * units[tensor.name]
        for first in range(0, tensor.elements, step):
            last = min(first + step, tensor.elements)
            yield tensor.start + last * width, Part(tensor, first, last, tensor.start + first * width)
        at, before = tensor.stop, tensor.name
    yield from ((min(to, size), None) for to in range(at + most, size + most, most))
