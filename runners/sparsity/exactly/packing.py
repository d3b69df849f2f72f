"""Where the bits of masks go, as they are found: packed, 8 in a byte, the first in the lowest bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Any, Protocol

import numpy

Array = numpy.ndarray[Any, Any]


class Sink(Protocol):
    """Takes the masks of several levels of one score, piece by piece."""

    def write(self, level: int, name: str, start: int, bits: Array) -> None:
        """Set the bytes from flat element ``start`` (a multiple of 8) on."""

    def keep(self, level: int, name: str, elements: Array) -> None:
        """Set the bits of single elements (int64, rising) to 1."""


class PackedMasks:
    """Masks in memory: for each level the packed bits of each tensor, uint8 [ceil(elements / 8)]. Every byte has to be
    written once before it is read."""

    def __init__(self, sizes: Mapping[str, int], levels: int):
        # One block, not zeroed: numpy asks for huge pages then, and fewer pages are had at the first touch.
        ends = list(accumulate(-(-size // 8) for size in sizes.values()))
        whole = numpy.empty((levels, ends[-1] if ends else 0), numpy.uint8)
        places = [slice(start, end) for start, end in pairwise([0, *ends])]
        self.levels = [{name: row[place] for name, place in zip(sizes, places, strict=True)} for row in whole]

    def write(self, level: int, name: str, start: int, bits: Array) -> None:
        self.levels[level][name][start // 8 : start // 8 + len(bits)] = bits

    def keep(self, level: int, name: str, elements: Array) -> None:
        places, values = bits_by_byte(elements)
        self.levels[level][name][places] |= values


def bits_by_byte(elements: Array) -> tuple[Array, Array]:
    """The bytes in which these elements (rising, not empty) lie, each once, and their bits in them."""
    places = elements >> 3
    values = numpy.left_shift(1, elements & 7).astype(numpy.uint8)
    first = numpy.flatnonzero(numpy.concatenate([[True], places[1:] != places[:-1]]))
    return places[first], numpy.bitwise_or.reduceat(values, first)


def by_tensor(sizes: Mapping[str, int], positions: Array) -> Iterator[tuple[str, Array]]:
    """Positions over all tensors together (rising) as elements of each; tensors without any are left out."""
    begin = 0
    for name, size in sizes.items():
        first, last = numpy.searchsorted(positions, [begin, begin + size])
        if last > first:
            yield name, positions[first:last] - begin
        begin += size
