"""Where the threshold of a mask may lie: an interval of keys, guessed from a sample and made narrower by counting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from runners.sparsity.exactly.keyed import Keys

Array = numpy.ndarray[Any, Any]

_FEW, _SAMPLE, _RUN, _GROUPS, _DEVIATIONS = 1 << 16, 1 << 20, 256, 16, 3.5


@dataclass(frozen=True, slots=True)
class Bracket:
    """Keys below ``low`` are removed, keys from ``high`` on are kept, and the threshold is one of those between.

    ``inside`` is how many of the keys lie between, and ``below`` how many before; a sample knows the first roughly
    and the second not at all.
    """

    low: int
    high: int
    inside: float
    below: int | None = None

    @property
    def known(self) -> bool:
        """Whether it is one key, and counted."""
        return self.high - self.low == 1 and self.below is not None


def sampled_brackets(keys: Keys, zeros: Sequence[int]) -> list[Bracket]:
    """An interval for each number of keys to remove, which holds the threshold with great probability.

    Its width comes from how much the quantile differs between groups of the sample, since neighbouring weights are
    alike. Of few keys all are taken, and the interval is the threshold.
    """
    elements = sum(keys.sizes.values())
    sample, whole = _sample(keys, elements)
    ordered = numpy.sort(sample.ravel())
    found = []
    for count in zeros:
        share = count / elements
        off = 0.0 if whole else _uncertainty(sample, ordered, share)
        first, last = math.floor((share - off) * len(ordered)), math.ceil((share + off) * len(ordered))
        if whole:
            first = last = count
        low = int(ordered[first]) if first >= 0 else 0
        high = int(ordered[last]) + 1 if last < len(ordered) else keys.largest + 1
        inside = numpy.searchsorted(ordered, high) - numpy.searchsorted(ordered, low)
        found.append(Bracket(low, high, float(inside) / len(ordered) * elements))
    return found


def _sample(keys: Keys, elements: int) -> tuple[Array, bool]:
    """Keys as [groups, n], and whether they are all of them."""
    if elements <= 4 * _FEW:
        parts = [keys.read(name, 0, size).copy() for name, size in keys.sizes.items() if size]
        return (numpy.concatenate(parts) if parts else numpy.empty(0, keys.dtype))[None], True
    runs = min(max(elements >> 6, _FEW), _SAMPLE) // _RUN
    # Not at equal distances, which could always hit the same column; the same ones each time.
    jitter = numpy.random.Philox(key=elements).random_raw(runs) / 2.0**64
    starts = ((numpy.arange(runs) + jitter) * ((elements - _RUN) / runs)).astype(numpy.int64)
    taken = numpy.empty((runs, _RUN), keys.dtype)
    filled = 0
    for name, begin, end in _located(keys, starts):
        size = min(end - begin, taken.size - filled)
        taken.ravel()[filled : filled + size] = keys.read(name, begin, begin + size)
        filled += size
    rows = filled // (_GROUPS * _RUN) * _GROUPS
    order = numpy.arange(rows).reshape(-1, _GROUPS).T  # each group is spread over all tensors
    return taken[:rows][order].reshape(_GROUPS, -1), False


def _located(keys: Keys, starts: Array) -> Iterator[tuple[str, int, int]]:
    """The sampled runs as tensor and elements; a run ends where its tensor does."""
    begin = 0
    for name, size in keys.sizes.items():
        first, last = numpy.searchsorted(starts, [begin, begin + size])
        for start in (starts[first:last] - begin).tolist():
            yield name, start, min(start + _RUN, size)
        begin += size


def _uncertainty(sample: Array, ordered: Array, share: float) -> float:
    """How far the share of keys below the sample's quantile may be off."""
    threshold = ordered[min(int(share * len(ordered)), len(ordered) - 1)]
    # Of ties half: with them the share itself has a step that says nothing about the sample.
    below = ((sample < threshold).mean(axis=1) + (sample <= threshold).mean(axis=1)) / 2
    spread = max(float(below.std(ddof=1)), math.sqrt(share * (1 - share) / sample.shape[1]))
    return _DEVIATIONS * spread / math.sqrt(len(sample)) + 2 / len(ordered)
