"""Runs that differ in nothing but the seed, together: mean, spread, and the interval of the mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from reports.analysis.rows import Row

CONFIDENCE = 0.95
PREFERRED = ("accuracy", "exact_match", "f1", "perplexity", "validation_loss")
"""What is looked at first, of the metrics that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Summary:
    """``n`` values: their mean, their sample standard deviation, and Student's t interval of the mean at 95%.

    With one value there is neither spread nor interval. Below 20 seeds the t interval covers what it says where a
    percentile bootstrap does not.
    """

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """One variant, model and task over its seeds; ``first`` is one of its rows, for what they share."""

    first: Row
    seeds: tuple[int, ...]
    metrics: dict[str, Summary]
    reached: Summary | None


def groups(rows: Iterable[Row]) -> list[Group]:
    """The rows by variant, model and task, in their order."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return [_group(members) for members in found.values()]


def _group(members: list[Row]) -> Group:
    names = list(dict.fromkeys(name for row in members for name in row.metrics))
    metrics = {name: summary([row.metrics[name] for row in members if name in row.metrics]) for name in names}
    reached = [row.reached for row in members if row.reached is not None]
    return Group(members[0], tuple(row.seed for row in members), metrics, summary(reached) if reached else None)


def summary(values: list[float]) -> Summary:
    """Mean, spread and t interval of at least one value."""
    if len(values) < 2:
        return Summary(1, values[0], None, None, None)
    from scipy.stats import t

    mean, std = fmean(values), stdev(values)
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * std / sqrt(len(values))
    return Summary(len(values), mean, std, mean - half, mean + half)
