"""Two variants over equal seeds: by how much they differ, how sure that is, and how many seeds would show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from framework.statistics.corrections import holm
from framework.statistics.effects import hedges_g_interval, superiority_interval
from framework.statistics.hypothesis_tests import Tested, sign_flip
from framework.statistics.intervals import Interval, t_interval
from framework.statistics.power import seeds_for_paired, seeds_for_superiority
from reports.analysis.rows import Row

RESAMPLES = 2_000
ALL_PAIRS = 6
"""Up to so many variants all pairs are compared; of more, each with the first."""
_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Contrast:
    """``first`` minus ``second`` of one metric, over the seeds that both have.

    ``difference`` is the mean of the paired differences; ``effect`` Hedges's g, and ``wins`` the chance that a run of
    the first has the larger value than one of the second; each is None where it has none. ``tested`` is the sign-flip
    permutation test, ``adjusted`` its p after Holm's correction over all contrasts of the report. ``needed`` are the
    pairs that a paired t test would need to find a difference such as was seen with a power of 80 %, ``needed_by_rank``
    the runs of each that Noether's formula gives for a chance such as was seen; None where no number would.
    """

    model: str
    task: str | None
    metric: str
    first: str
    second: str
    seeds: tuple[int, ...]
    difference: Interval
    effect: Interval | None
    wins: Interval
    tested: Tested
    needed: int | None
    needed_by_rank: int | None
    adjusted: float = 1.0

    @property
    def delta(self) -> float:
        """Cliff's delta."""
        return 2 * self.wins.estimate - 1


def contrasts(rows: Sequence[Row], metric_of: Mapping[tuple[str, str | None], str]) -> list[Contrast]:
    """All contrasts of the variants of each model and task by its metric, over at least two equal seeds."""
    found = list(_found(rows, metric_of))
    adjusted = holm([each.tested.p for each in found])
    return [replace(each, adjusted=p) for each, p in zip(found, adjusted, strict=True)]


def _found(rows: Sequence[Row], metric_of: Mapping[tuple[str, str | None], str]) -> Iterator[Contrast]:
    for (model, task), metric in metric_of.items():
        values: dict[str, dict[int, float]] = {}
        for row in rows:
            if (row.model, row.task) == (model, task) and metric in row.metrics:
                values.setdefault(row.variant, {})[row.seed] = row.metrics[metric]
        names = list(values)
        pairs = combinations(names, 2) if len(names) <= ALL_PAIRS else ((names[0], other) for other in names[1:])
        for first, second in pairs:
            seeds = tuple(sorted(values[first].keys() & values[second].keys()))
            if len(seeds) > 1:
                one, other = ([values[name][seed] for seed in seeds] for name in (first, second))
                yield _contrast((model, task, metric), (first, second), seeds, one, other)


def _contrast(
    place: tuple[str, str | None, str],
    names: tuple[str, str],
    seeds: tuple[int, ...],
    one: list[float],
    other: list[float],
) -> Contrast:
    differences = [first - second for first, second in zip(one, other, strict=True)]
    difference = t_interval(differences)
    wins = superiority_interval(one, other, resamples=RESAMPLES)
    return Contrast(
        *place, *names, seeds, difference, _effect(one, other), wins, sign_flip(differences),
        _needed(differences), _needed_by_rank(wins.estimate),
    )  # fmt: skip


def _effect(one: list[float], other: list[float]) -> Interval | None:
    try:
        return hedges_g_interval(one, other)
    except ValueError:
        return None  # no spread on either side


def _needed(differences: list[float]) -> int | None:
    from framework.statistics.effects import paired_d

    try:
        return seeds_for_paired(paired_d(differences), _POWER)
    except ValueError:
        return None


def _needed_by_rank(wins: float) -> int | None:
    try:
        return seeds_for_superiority(max(wins, 1 - wins), _POWER)
    except ValueError:
        return None
