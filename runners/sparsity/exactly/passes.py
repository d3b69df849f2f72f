"""The passes over all keys: one that writes masks and gathers what is near the thresholds, one that only counts, and
one for thresholds that are known.

Each chunk of keys stays in the processor's cache for all that is done with it and for all levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from runners.sparsity.exactly.brackets import Bracket
from runners.sparsity.exactly.keyed import Keys
from runners.sparsity.exactly.packing import Sink

Array = numpy.ndarray[Any, Any]

CHUNK = 1 << 17
_BINS = 1 << 12


class NotANumber(ValueError):
    """A score is not a number."""


def chunks(keys: Keys) -> Iterator[tuple[str, int, int, Array]]:
    """Tensor, first element, that element's position over all tensors, and its keys, which must all be numbers.

    Raises:
        NotANumber: one is not; with the tensor's name.
    """
    begin = 0
    for name, size in keys.sizes.items():
        for start in range(0, size, CHUNK):
            piece = keys.read(name, start, min(start + CHUNK, size))
            if int(piece.max()) > keys.largest:
                raise NotANumber(f"a score of {name} is not a number")
            yield name, start, begin + start, piece
        begin += size


@dataclass(frozen=True, slots=True)
class Written:
    """What the writing pass found: for each level how many keys are kept for sure, and the interval that was left
    open (a little wider than asked); and the keys in all open intervals with their positions, or None where they were
    more than there was room for."""

    kept: list[int]
    opened: list[tuple[int, int]]
    positions: Array
    keys: Array
    complete: bool


def write_and_gather(keys: Keys, brackets: Sequence[Bracket], levels: Sequence[int], sink: Sink, room: int) -> Written:
    """Write each level's mask as if all of its open interval were removed, and gather the keys that lie in one.

    Keys are compared as 16-bit distances from just below the lowest interval, in steps of a power of two.

    Args:
        levels: The number by which the sink knows each bracket.
        room: How many keys in open intervals may be gathered.
    """
    lowest = min(bracket.low for bracket in brackets)
    shift = max((max(bracket.high for bracket in brackets) - lowest).bit_length() - 15, 0)
    base = max((lowest >> shift) - 1, 0) << shift  # step 0 is for the keys below all intervals
    edges = [((one.low - base) >> shift, -(-(one.high - base) >> shift)) for one in brackets]
    highest = max(high for _, high in edges)
    near, steps = _Scaled(keys, base, highest, shift), numpy.uint16
    kept, filled, complete = [0] * len(edges), 0, True
    positions, found = numpy.empty(room, numpy.int64), numpy.empty(room, keys.dtype)
    above = numpy.empty(CHUNK, bool)
    for name, start, position, piece in chunks(keys):
        size = len(piece)
        scaled = near.scaled(piece)
        union = numpy.zeros(-(-size // 8), numpy.uint8)
        for index, (low, high) in enumerate(edges):
            numpy.greater_equal(scaled, steps(high), out=above[:size])
            kept[index] += int(numpy.count_nonzero(above[:size]))
            bits = numpy.packbits(above[:size], bitorder="little")
            sink.write(levels[index], name, start, bits)
            if high > low:
                # Packed bits are combined 8 at a time.
                numpy.greater_equal(scaled, steps(low), out=above[:size])
                union |= numpy.packbits(above[:size], bitorder="little") ^ bits
        at = numpy.flatnonzero(numpy.unpackbits(union, count=size, bitorder="little").view(bool))
        complete = complete and filled + len(at) <= room
        if complete and len(at):
            numpy.add(at, position, out=positions[filled : filled + len(at)])
            numpy.take(piece, at, out=found[filled : filled + len(at)])
            filled += len(at)
    opened = [(base + (low << shift), base + (high << shift)) for low, high in edges]
    return Written(kept, opened, positions[:filled], found[:filled], complete)


class _Scaled:
    """Keys as 16-bit steps from ``base`` on, cut off at 0 and ``highest``."""

    def __init__(self, keys: Keys, base: int, highest: int, shift: int):
        self._plain = keys.dtype.itemsize == 2 and base == 0 and shift == 0
        self._limits = keys.dtype.type(base), keys.dtype.type(base + (highest << shift))
        self._shift, self._first = keys.dtype.type(shift), numpy.uint16((base >> shift) & 0xFFFF)
        self._wide = numpy.empty(CHUNK, keys.dtype)
        self._narrow = numpy.empty(CHUNK, numpy.uint16)

    def scaled(self, piece: Array) -> Array:
        if self._plain:
            return piece
        wide, narrow = self._wide[: len(piece)], self._narrow[: len(piece)]
        numpy.clip(piece, *self._limits, out=wide)
        if self._shift:
            numpy.right_shift(wide, self._shift, out=wide)
        numpy.copyto(narrow, wide, casting="unsafe")  # the lowest 16 bits, which tell the steps apart
        if self._first:
            numpy.subtract(narrow, self._first, out=narrow)
        return narrow


def narrowed(keys: Keys, brackets: Sequence[Bracket], zeros: Sequence[int]) -> list[Bracket]:
    """Brackets at least 2^12 times narrower (or one key wide) that do hold the thresholds, by counting.

    A bracket that turns out not to hold its threshold becomes all that lies beyond that end.
    """
    distinct = {(bracket.low, bracket.high): 0 for bracket in brackets}
    shifts = {edge: max((edge[1] - edge[0] - 1).bit_length() - 12, 0) for edge in distinct}
    counted = {edge: numpy.zeros(_BINS, numpy.int64) for edge in distinct}
    below = dict(distinct)
    for _, _, _, piece in chunks(keys):
        for low, high in distinct:
            below[low, high] += int(numpy.count_nonzero(piece < keys.dtype.type(low)))
            offset = piece - keys.dtype.type(low)
            own = offset[offset < keys.dtype.type(high - low)] >> keys.dtype.type(shifts[low, high])
            counted[low, high] += numpy.bincount(own.astype(numpy.int64), minlength=_BINS)
    return [
        _narrower(one, below[one.low, one.high], counted[one.low, one.high], shifts[one.low, one.high], count, keys)
        for one, count in zip(brackets, zeros, strict=True)
    ]


def _narrower(bracket: Bracket, below: int, counted: Array, shift: int, zeros: int, keys: Keys) -> Bracket:
    """The bin of the key that is kept first when ``zeros`` keys are removed."""
    if zeros < below:
        return Bracket(0, bracket.low, below, 0)
    ranks = below + counted.cumsum()
    if zeros >= ranks[-1]:
        return Bracket(bracket.high, keys.largest + 1, sum(keys.sizes.values()) - int(ranks[-1]), int(ranks[-1]))
    index = int(numpy.searchsorted(ranks, zeros, side="right"))
    low, inside = bracket.low + (index << shift), int(counted[index])
    return Bracket(low, min(low + (1 << shift), bracket.high), inside, int(ranks[index]) - inside)


def write_known(keys: Keys, thresholds: Mapping[int, Bracket], zeros: Sequence[int], sink: Sink) -> None:
    """Write the masks of levels whose thresholds are known: of the keys equal to one, the first positions are kept."""
    limits = {level: keys.dtype.type(bracket.low) for level, bracket in thresholds.items()}
    ties = {level: int(one.inside) - (zeros[level] - (one.below or 0)) for level, one in thresholds.items()}
    for name, start, _, piece in chunks(keys):
        for level, limit in limits.items():
            kept = piece > limit
            if ties[level]:
                equal = numpy.flatnonzero(piece == limit)[: ties[level]]
                kept[equal] = True
                ties[level] -= len(equal)
            sink.write(level, name, start, numpy.packbits(kept, bitorder="little"))
