"""Masks with an exact number of kept weights, for any size, type and distribution of scores, in bounded memory.

For each number asked, a sample says between which keys the threshold lies; one pass over the keys writes all masks and
gathers the few keys between, of which the exact ones are then kept. What a sample cannot settle (most keys are equal,
there are more than fit) is counted into ever narrower intervals first. Every step is exact: the sample only decides
how many passes are needed. Measured: `benchmarks/masks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from runners.sparsity.exactly.brackets import Bracket, sampled_brackets
from runners.sparsity.exactly.keyed import Keys
from runners.sparsity.exactly.packing import Sink, by_tensor
from runners.sparsity.exactly.passes import Written, narrowed, write_and_gather, write_known

Array = numpy.ndarray[Any, Any]

ROOM = 8 << 20
"""How many keys near the thresholds are held at once (12 to 16 bytes each), where nothing else is said."""
_SPARE, _FILL = 1.2, 1 << 23


def write_masks(keys: Keys, zeros: Sequence[int], sink: Sink, room: int = ROOM) -> None:
    """Write for each number in ``zeros`` (the levels) the mask that removes exactly that many of all keys.

    The lowest keys go. Of equal keys at the threshold the first positions are kept, in the order of the tensors and
    then of the flat index, so the masks of rising levels are nested.

    Raises:
        ValueError: a number is below 0 or above the number of keys.
        NotANumber: a score is not a number.
    """
    elements = sum(keys.sizes.values())
    for count in zeros:
        if not 0 <= count <= elements:
            raise ValueError(f"{count} of {elements} scores cannot be removed")
    asked = [level for level, count in enumerate(zeros) if 0 < count < elements]
    for level in set(range(len(zeros))) - set(asked):
        _fill(keys, level, zeros[level] == 0, sink)
    brackets = dict(zip(asked, sampled_brackets(keys, [zeros[level] for level in asked]), strict=True))
    while brackets:
        brackets = _settle(keys, brackets, zeros, sink, room)


def _fill(keys: Keys, level: int, kept: bool, sink: Sink) -> None:
    """Keep all, or nothing."""
    for name, size in keys.sizes.items():
        for start in range(0, size, _FILL):
            piece = numpy.full(min(_FILL, size - start), kept)
            sink.write(level, name, start, numpy.packbits(piece, bitorder="little"))


def _settle(
    keys: Keys, brackets: Mapping[int, Bracket], zeros: Sequence[int], sink: Sink, room: int
) -> dict[int, Bracket]:
    """One round: write what can be written, and narrow down the brackets of the levels that are still open."""
    known = {level: bracket for level, bracket in brackets.items() if bracket.known}
    if known:
        write_known(keys, known, zeros, sink)
    unknown = {level: bracket for level, bracket in brackets.items() if level not in known}
    still = _too_heavy(unknown, room)
    light = {level: bracket for level, bracket in unknown.items() if level not in still}
    if light:
        found = write_and_gather(keys, list(light.values()), list(light), sink, room)
        elements = sum(keys.sizes.values())
        for index, level in enumerate(light):
            if not _finished(keys, found, index, level, elements - zeros[level], sink):
                still[level] = light[level]
    if not still:
        return {}
    return dict(zip(still, narrowed(keys, list(still.values()), [zeros[level] for level in still]), strict=True))


def _too_heavy(brackets: Mapping[int, Bracket], room: int) -> dict[int, Bracket]:
    """The levels, the heaviest first, without which the keys in all other intervals fit, with something to spare."""
    heavy: dict[int, Bracket] = {}
    for level in sorted(brackets, key=lambda level: -brackets[level].inside):
        if _SPARE * sum(bracket.inside for other, bracket in brackets.items() if other not in heavy) <= room:
            break
        heavy[level] = brackets[level]
    return heavy


def _finished(keys: Keys, found: Written, index: int, level: int, kept: int, sink: Sink) -> bool:
    """Keep the right ones of the gathered keys; False where the threshold is not among them."""
    low, high = found.opened[index]
    inside = numpy.flatnonzero(found.keys - keys.dtype.type(low) < keys.dtype.type(high - low))
    own = found.keys[inside]
    wanted = kept - found.kept[index]
    if not found.complete or not 0 <= wanted <= len(own):
        return False
    if wanted:
        threshold = numpy.partition(own, len(own) - wanted)[len(own) - wanted]
        chosen = own > threshold
        ties = numpy.flatnonzero(own == threshold)[: wanted - int(chosen.sum())]
        chosen[ties] = True
        for name, elements in by_tensor(keys.sizes, found.positions[inside[chosen]]):
            sink.keep(level, name, elements)
    return True
