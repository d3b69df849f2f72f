"""One number for a variant over several tasks: the interquartile mean, and the profile behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framework.statistics.aggregates import profile_bands, stratified_interval
from framework.statistics.intervals import Interval
from reports.analysis.rows import Row

THRESHOLDS = 5
"""At so many values, evenly from the least of all scores to the largest, a profile is told."""


@dataclass(frozen=True, slots=True)
class OverTasks:
    """One variant's scores of one metric over ``tasks``, each at the same ``seeds``: their interquartile mean with its
    stratified interval; ``profile`` is by value the share of runs at least as good, with its pointwise interval.
    """

    model: str
    metric: str
    variant: str
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    iqm: Interval
    profile: tuple[tuple[float, Interval], ...]


def over_tasks(
    rows: Sequence[Row], metric_of: Mapping[tuple[str, str | None], str], falls: Mapping[str, bool]
) -> Iterator[OverTasks]:
    """For each model whose tasks have one metric: every variant that has all of these tasks at the same seeds, at least
    two of each."""
    for model in dict.fromkeys(model for model, _ in metric_of):
        tasks = [task for at, task in metric_of if at == model and task is not None]
        metrics = {metric_of[model, task] for task in tasks}
        if len(tasks) < 2 or len(metrics) != 1:
            continue
        (metric,) = metrics
        scores = dict(_scores(rows, model, tasks, metric))
        if not scores:
            continue
        every = np.concatenate([array.ravel() for _, array in scores.values()])
        thresholds = [float(each) for each in np.linspace(every.min(), every.max(), THRESHOLDS)]
        for variant, (seeds, array) in scores.items():
            yield OverTasks(
                model, metric, variant, tuple(tasks), seeds, stratified_interval(array),
                tuple(zip(thresholds, _profile(array, thresholds, falls[metric]), strict=True)),
            )  # fmt: skip


def _scores(
    rows: Sequence[Row], model: str, tasks: Sequence[str], metric: str
) -> Iterator[tuple[str, tuple[tuple[int, ...], np.ndarray]]]:
    """By variant its seeds, and its scores [seeds, tasks]."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        if row.model == model and row.task in tasks and metric in row.metrics:
            found.setdefault(row.variant, {}).setdefault(row.task or "", {})[row.seed] = row.metrics[metric]
    for variant, of_tasks in found.items():
        if len(of_tasks) == len(tasks):
            seeds = tuple(sorted(set.intersection(*(set(values) for values in of_tasks.values()))))
            if len(seeds) > 1:
                yield variant, (seeds, np.array([[of_tasks[task][seed] for task in tasks] for seed in seeds]))


def _profile(scores: np.ndarray, thresholds: Sequence[float], lower: bool) -> list[Interval]:
    """The shares of scores that are at least as good as each threshold: the next number beyond it is below none."""
    signed, sign = (-scores, -1.0) if lower else (scores, 1.0)
    return profile_bands(signed, [float(np.nextafter(sign * each, -np.inf)) for each in thresholds])
