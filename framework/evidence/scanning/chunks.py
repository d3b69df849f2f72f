"""Where a file may be cut: between tensors, and between whole units of one; bytes of no interest anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from framework.evidence.scanning.carriers import Carrier
from framework.evidence.tensors import kind_of


class Part(NamedTuple):
    """The elements ``first`` to ``last`` of a stored tensor, which begin at a byte of the file."""

    carrier: Carrier
    first: int
    last: int
    at: int


class Chunk(NamedTuple):
    """The bytes ``start`` to ``stop`` of a file, and the parts of tensors among them."""

    start: int
    stop: int
    parts: tuple[Part, ...]


def chunks_of(size: int, carriers: Iterable[Carrier], most: int) -> Iterator[Chunk]:
    """A file of ``size`` bytes in chunks of at most ``most`` (of what cannot be cut, where that alone is larger), each
    byte once.

    Args:
        carriers: The stored tensors whose parts are wanted; empty ones are left out.

    Raises:
        ValueError: two of them share bytes.
    """
    start, stop = 0, 0
    parts: list[Part] = []
    for to, part in _pieces(size, carriers, most):
        if to - start > most and stop > start:
            yield Chunk(start, stop, tuple(parts))
            start, parts = stop, []
        stop = to
        if part is not None:
            parts.append(part)
    if stop > start:
        yield Chunk(start, stop, tuple(parts))


def _pieces(size: int, carriers: Iterable[Carrier], most: int) -> Iterator[tuple[int, Part | None]]:
    """What stays together, one after the other: the byte at which each ends."""
    at, before = 0, ""
    for carrier in sorted((each for each in carriers if each.tensor.elements), key=lambda each: each.tensor.start):
        tensor = carrier.tensor
        if tensor.start < at:
            raise ValueError(f"{before} and {tensor.name} share bytes")
        yield from ((min(to, tensor.start), None) for to in range(at + most, tensor.start + most, most))
        width, first = int(kind_of(tensor.dtype)[-1]), 0
        while first < tensor.elements:
            last = carrier.cut(first, max(most // width, 1))
            yield tensor.start + last * width, Part(carrier, first, last, tensor.start + first * width)
            first = last
        at, before = tensor.stop, tensor.name
    yield from ((min(to, size), None) for to in range(at + most, size + most, most))
