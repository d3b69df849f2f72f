"""How much can be removed for how little: the sparsest model of each kind that stays near the dense one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from framework.manifest.sections.values.stated_metrics import falls
from reports.analysis.run_groups import Group

WITHIN = (0.01, 0.05)
"""Relative losses against the dense model that are looked at."""


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """For one model, task and kind: the highest sparsity whose mean is within ``within`` of the dense mean, and that
    mean; None where not even the least sparsity is."""

    model: str
    task: str | None
    line: str
    metric: str
    dense: float
    within: float
    sparsity: float | None
    mean: float | None


def tradeoffs(groups: Sequence[Group], metric: str, lower: bool | None = None) -> Iterator[Tradeoff]:
    """For each model, task and kind that has a group at a sparsity of 0; ``lower`` says whether less is better, by
    default as usual for the metric."""
    lower = falls(metric) if lower is None else lower
    curves: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        row = group.first
        if row.asked is not None and metric in group.metrics:
            curves.setdefault((row.model, row.task or "", row.line), []).append(group)
    for (model, task, line), members in curves.items():
        dense = next((each.metrics[metric].mean for each in members if each.first.asked == 0), None)
        if dense is None:
            continue
        for within in WITHIN:
            near = [
                each for each in members if each.first.asked and _near(each.metrics[metric].mean, dense, within, lower)
            ]
            best = max(near, key=lambda each: each.first.asked or 0, default=None)
            sparsity, mean = (None, None) if best is None else (best.first.asked, best.metrics[metric].mean)
            yield Tradeoff(model, task or None, line, metric, dense, within, sparsity, mean)


def _near(mean: float, dense: float, within: float, lower: bool) -> bool:
    return mean <= dense * (1 + within) if lower else mean >= dense * (1 - within)


def front(groups: Sequence[Group], metric: str, model: str, task: str | None, lower: bool | None = None) -> list[Group]:
    """The groups that no other one beats in both sparsity and metric (the Pareto front), by sparsity."""
    own = [
        group
        for group in groups
        if (group.first.model, group.first.task) == (model, task)
        and group.first.asked is not None
        and metric in group.metrics
    ]
    best: list[Group] = []
    sign = 1 if (falls(metric) if lower is None else lower) else -1
    for group in sorted(own, key=lambda group: (-(group.first.asked or 0), sign * group.metrics[metric].mean)):
        if not best or sign * group.metrics[metric].mean < sign * best[-1].metrics[metric].mean:
            best.append(group)
    return best[::-1]
