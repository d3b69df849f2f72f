"""What a search spent of its budget, and whether it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from framework.manifest.searched.value_sets import Point, grid_points, named, outside, size_of
from framework.manifest.sections.searching.searches import Search
from framework.searching.trials import State, StoredStudy

_LEAST = 10
"""So many failures are borne with where they do not count, before a search is given up."""


class End(NamedTuple):
    """What of a trial a budget looks at."""

    state: State
    facts: dict[str, Any]


def used(search: Search, trials: Iterable[End]) -> float:
    """What trials used of a budget, in its unit; those of a plain grid in completed trials."""
    unit = search.budget.unit if search.budget else "completed_trials"
    if unit == "completed_trials":
        return float(sum(trial.state == "completed" for trial in trials))
    name = {"optimizer_steps": "optimizer_steps", "gpu_hours": "hours"}[unit]
    return float(sum(trial.facts.get(name) or 0.0 for trial in trials))


def spent(search: Search, trials: Sequence[End]) -> bool:
    """Whether the budget leaves no room for one more trial, those that are being tried counted as done."""
    budget = search.budget
    if budget is None:
        return False
    states = [trial.state for trial in trials]
    failed, completed = states.count("failed"), states.count("completed")
    if budget.at_most is not None and len(trials) >= budget.at_most:
        return True
    if budget.unit == "completed_trials":
        counted = completed + states.count("running") + (failed if search.failures.counted else 0)
        return counted >= budget.amount or failed >= _LEAST + budget.amount
    return failed >= _LEAST * (1 + completed) or used(search, trials) >= budget.amount


def nothing_new(search: Search, points: Iterable[Point]) -> bool:
    """Whether every point of the space was proposed; a space without an end always has another one."""
    if search.sampling.name == "grid":
        tried = {named(point) for point in points}
        return all(named(point) in tried for point in grid_points(search.dimensions))
    size = size_of(search.dimensions)
    return size is not None and sum(not outside(search.dimensions, point) for point in points) >= size


def is_over(search: Search, study: StoredStudy) -> bool:
    """Whether nothing is being tried any more, and nothing is to be."""
    if study.count("running"):
        return False
    ends = [End(trial.state, trial.facts) for trial in study.trials]
    return spent(search, ends) or nothing_new(search, [trial.point for trial in study.trials])


def progress(search: Search, study: StoredStudy | None) -> str:
    """How far a search is, in words: `4 of 20 completed trials, 1 failed`."""
    trials = study.trials if study else []
    done = used(search, [End(trial.state, trial.facts) for trial in trials])
    if search.budget is None:
        whole, unit = float(size_of(search.dimensions) or 0), "completed trials"
    else:
        whole, unit = search.budget.amount, search.budget.unit.replace("_", " ")
    others = {state: sum(trial.state == state for trial in trials) for state in ("pruned", "failed", "running")}
    more = "".join(f", {count} {state}" for state, count in others.items() if count)
    return f"{done:.4g} of {whole:.4g} {unit}{more}"
