"""The order that a correlation-based scan permutation must have found, by the correlations that it was found by.

Computed here and not by the code that permutes. A longest path is searched for from several starts by the nearest
neighbour and by reversing segments (2-opt; Croes 1958, "A method for solving traveling-salesman problems"). Of orders
that are equally good any may be saved: what is held is the sum of the neighbours' correlations, not the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

CORRELATIONS = "correlations.safetensors"
"""float64 [size, size] by layer's module, in the run folder."""
_FEW, _STARTS = 64, 8
_LEAST = 1e-12
TIES = 1e-6
"""By how much of it a sum may be below the one that is found here."""


def neighbours(weights: Array, order: Array) -> float:
    """The sum of the correlations of what lies next to each other."""
    return float(weights[order[:-1], order[1:]].sum())


def best_sum(weights: Array) -> float:
    """The best sum that the search finds; never below that of the order that is there."""
    import numpy

    size = len(weights)
    given = numpy.arange(size)
    if size < 3:
        return neighbours(weights, given)
    few = size <= _FEW
    starts = range(size) if few else sorted({round(place * (size - 1) / (_STARTS - 1)) for place in range(_STARTS)})
    paths = [_chain(weights, start) for start in starts]
    if not few:
        paths = [max(paths, key=lambda path: neighbours(weights, path))]
    return max(neighbours(weights, path) for path in (given, *(_improved(weights, path) for path in (given, *paths))))


def _chain(weights: Array, start: int) -> Array:
    """Always on to the strongest correlation among what is left."""
    import numpy

    left, path = numpy.ones(len(weights), bool), [start]
    left[start] = False
    while left.any():
        following = int(numpy.where(left, weights[path[-1]], -numpy.inf).argmax())
        path.append(following)
        left[following] = False
    return numpy.array(path)


def _improved(weights: Array, path: Array) -> Array:
    """Reverse segments for as long as one adds to the sum: from each place on, the segment that adds most."""
    import numpy

    path, size, improved = path.copy(), len(path), True
    while improved:
        improved = False
        for first in range(size - 1):
            last = numpy.arange(first + 1, size)
            gain = numpy.zeros(len(last))
            if first:
                gain += weights[path[first - 1], path[last]] - weights[path[first - 1], path[first]]
            inner = last[:-1]
            gain[:-1] += weights[path[first], path[inner + 1]] - weights[path[inner], path[inner + 1]]
            best = int(gain.argmax())
            if gain[best] > _LEAST:
                end = int(last[best]) + 1
                path[first:end] = path[first:end][::-1].copy()
                improved = True
    return path
