"""How much pairs of hyperparameters decide together: Sobol' indices of a quadratic surface (Sudret 2008, *Reliab. Eng.
Syst. Saf.* 93:964), which is believed only where it foretells points that it was not fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

LEAST_FIT = 0.5
"""Below this share of foretold variance a surface tells nothing."""
TRIALS_PER_TERM = 2
"""So many points each coefficient needs."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The values of one key at all points, float64[points]: shares of its range from 0 to 1, or with ``levels`` the
    number of each point's choice, from 0."""

    values: np.ndarray
    levels: int | None = None


@dataclass(frozen=True, slots=True)
class Surface:
    """``pairs`` are by two places of axes the share of the variance that they decide together, beyond what each does
    alone; ``fit`` is the share of variance foretold for points left out (Q², Allen 1974; 1 is all, 0 no better than the
    mean). Without pairs ``why`` says why nothing is told."""

    pairs: dict[tuple[int, int], float]
    fit: float | None
    why: str = ""


def interactions(axes: Sequence[Axis], values: Sequence[float]) -> Surface:
    """The second-order indices of a surface with first and second orders of each axis and products of the first.

    Args:
        axes: at least two, of as many points as there are values; all values of an axis count alike.
    """
    y = np.asarray(values, np.float64)
    bases = [_basis(axis) for axis in axes]
    columns: list[np.ndarray] = [np.ones(len(y))]
    owners: list[tuple[int, ...]] = [()]
    for place, (first, second) in enumerate(bases):
        columns += [*first, *second]
        owners += [(place,)] * (len(first) + len(second))
    for one, other in combinations(range(len(axes)), 2):
        columns += [left * right for left in bases[one][0] for right in bases[other][0]]
        owners += [(one, other)] * (len(bases[one][0]) * len(bases[other][0]))
    if len(y) < TRIALS_PER_TERM * len(columns):
        return Surface({}, None, f"{len(y)} trials, and {TRIALS_PER_TERM * len(columns)} are needed")
    design = np.column_stack(columns)
    if not np.ptp(y) or np.linalg.matrix_rank(design) < design.shape[1]:
        return Surface({}, None, "the trials do not tell the keys apart")
    coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
    leverage = np.einsum("ij,ji->i", design, np.linalg.pinv(design))
    left_out = (y - design @ coefficients) / np.maximum(1 - leverage, 1e-12)
    fit = 1 - float((left_out**2).mean() / y.var())
    if not fit >= LEAST_FIT:
        return Surface({}, fit, "no quadratic surface foretells these trials")
    total = float((coefficients[1:] ** 2).sum())
    pairs: dict[tuple[int, int], float] = {}
    for owner, coefficient in zip(owners, coefficients, strict=True):
        if len(owner) == 2:
            pairs[owner[0], owner[1]] = pairs.get((owner[0], owner[1]), 0.0) + float(coefficient) ** 2 / total
    return Surface(pairs, fit)


def _basis(axis: Axis) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Functions of mean 0 and variance 1, orthogonal to each other, over the axis's own values: those whose products
    with other axes are taken, and the others."""
    if axis.levels is None:
        x = 2 * axis.values - 1
        return [np.sqrt(3) * x], [np.sqrt(5) / 2 * (3 * x**2 - 1)]
    contrasts = []
    for level in range(1, axis.levels):  # Helmert's: each choice against those before it
        of_choice = np.zeros(axis.levels)
        of_choice[:level], of_choice[level] = -1.0, level
        of_choice *= np.sqrt(axis.levels / (of_choice**2).sum())
        contrasts.append(of_choice[axis.values.astype(int)])
    return contrasts, []
