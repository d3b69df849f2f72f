"""Orders that put what is correlated next to each other: a heavy path through the graph of correlations.

The objective of an order is the sum of |correlation| over its neighbours, and the best order is a longest Hamiltonian
path, which no known algorithm finds in polynomial time. Here it is searched for by the nearest neighbour from several
starts, then 2-opt (Croes 1958, "A method for solving traveling-salesman problems"): segments are reversed as long as
that adds to the sum. networkx's tour heuristics would do the same one edge at a time in Python, and close a path into a
tour; scipy has none.
"""

from __future__ import annotations

from typing import Any

import numpy

Matrix = numpy.ndarray[Any, Any]
"""[n, n], symmetric, float64: the weight of each pair; the diagonal is not read."""
Order = numpy.ndarray[Any, Any]
"""[n], int64: the old index of what comes at each place."""

_FEW = 64
"""Up to so many elements every one is a start, and every path is improved; beyond, one path from 8 starts."""
_STARTS = 8
_LEAST_GAIN = 1e-12


def neighbour_sum(weights: Matrix, order: Order) -> float:
    """The sum of the weights of an order's neighbours."""
    return float(weights[order[:-1], order[1:]].sum())


def best_order(weights: Matrix) -> Order:
    """The best order that the search finds, never worse than the one that is there; among equals the first found.

    Raises:
        ValueError: a weight is not a number.
    """
    size = len(weights)
    if not numpy.isfinite(weights).all():
        raise ValueError("a correlation is not a number")
    given = numpy.arange(size)
    if size < 3:
        return given
    few = size <= _FEW
    starts = given if few else numpy.linspace(0, size - 1, _STARTS).astype(numpy.int64)
    paths = [nearest_neighbours(weights, int(start)) for start in starts]
    if not few:
        paths = [max(paths, key=lambda path: neighbour_sum(weights, path))]
    candidates = [given, two_opt(weights, given), *(two_opt(weights, path) for path in paths)]
    return max(candidates, key=lambda path: round(neighbour_sum(weights, path), 9))


def nearest_neighbours(weights: Matrix, start: int) -> Order:
    """From ``start`` always on to the heaviest edge to a place not yet seen; of equal ones to the first."""
    free = weights.astype(numpy.float64, copy=True)
    free[:, start] = -numpy.inf
    path = [start]
    for _ in range(len(weights) - 1):
        path.append(int(free[path[-1]].argmax()))
        free[:, path[-1]] = -numpy.inf
    return numpy.array(path, dtype=numpy.int64)


def two_opt(weights: Matrix, order: Order) -> Order:
    """Reverse segments of an order while that adds to its sum: at each place, in turn, the segment that adds most.

    Reversing order[i..j] replaces the edges (i-1, i) and (j, j+1) by (i-1, j) and (i, j+1); at an end of the path the
    edge beyond it weighs nothing.
    """
    order, size = order.copy(), len(order)
    improved = True
    while improved:
        improved = False
        for i in range(size - 1):
            ends = order[i + 1 :]
            gain = numpy.zeros(len(ends))
            if i > 0:
                gain += weights[order[i - 1], ends] - weights[order[i - 1], order[i]]
            gain[:-1] += weights[order[i], ends[1:]] - weights[ends[:-1], ends[1:]]
            best = int(gain.argmax())
            if gain[best] > _LEAST_GAIN:
                order[i : i + 2 + best] = order[i : i + 2 + best][::-1].copy()
                improved = True
    return order
