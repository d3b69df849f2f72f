"""How two variants, or two runs, compare: the settings that differ, and each metric with the test that seeds allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Protocol

from framework.planning.build import Plan
from framework.planning.steps import Step
from framework.stages.differences import Difference, nested_differences
from framework.statistics.hypothesis_tests import Tested, sign_flip, welch
from framework.statistics.intervals import Interval, t_interval


class HasMetrics(Protocol):
    """A run's results with what they are of."""

    @property
    def model(self) -> str: ...
    @property
    def task(self) -> str | None: ...
    @property
    def seed(self) -> int: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of two sides on one model and task.

    ``difference`` is the mean of the second less that of the first, with Student's 95% interval where there are two
    pairs; ``test`` is the sign-flip permutation test of equal seeds, or Welch's where the seeds differ; None where
    there is too little for any.
    """

    metric: str
    model: str
    task: str | None
    one: tuple[float, ...]
    other: tuple[float, ...]
    paired: bool
    difference: float
    interval: Interval | None
    test: Tested | None

    def as_dict(self) -> dict[str, Any]:
        of = {"metric": self.metric, "model": self.model, "task": self.task, "paired": self.paired}
        sides = {"one": list(self.one), "other": list(self.other), "difference": self.difference}
        interval = None if self.interval is None else [self.interval.low, self.interval.high]
        test = None
        if self.test is not None:
            test = {"method": self.test.method, "p": self.test.p, "attainable": self.test.attainable}
        return {**of, **sides, "interval": interval, "test": test}


def compared(one: Sequence[HasMetrics], other: Sequence[HasMetrics]) -> Iterator[Compared]:
    """Each metric that both sides have on one model and task, in the order of the first."""
    places = dict.fromkeys((row.model, row.task) for row in one)
    for model, task in places:
        ours = {row.seed: row.metrics for row in one if (row.model, row.task) == (model, task)}
        theirs = {row.seed: row.metrics for row in other if (row.model, row.task) == (model, task)}
        known = {name for metrics in theirs.values() for name in metrics}
        for name in dict.fromkeys(name for metrics in ours.values() for name in metrics):
            if name in known:
                yield _compared(name, model, task, _of(ours, name), _of(theirs, name))


def _of(by_seed: Mapping[int, Mapping[str, float]], name: str) -> dict[int, float]:
    return {seed: metrics[name] for seed, metrics in sorted(by_seed.items()) if name in metrics}


def _compared(name: str, model: str, task: str | None, one: dict[int, float], other: dict[int, float]) -> Compared:
    common = [seed for seed in one if seed in other]
    if common:
        pairs = [other[seed] - one[seed] for seed in common]
        first, second = tuple(one[seed] for seed in common), tuple(other[seed] for seed in common)
        interval = t_interval(pairs) if len(pairs) > 1 else None
        test = sign_flip(pairs) if len(pairs) > 1 else None
        return Compared(name, model, task, first, second, True, fmean(pairs), interval, test)
    first, second = tuple(one.values()), tuple(other.values())
    enough = min(len(first), len(second)) > 1 and len({*first, *second}) > 2
    test = welch(first, second) if enough and (len({*first}) > 1 or len({*second}) > 1) else None
    return Compared(name, model, task, first, second, False, fmean(second) - fmean(first), None, test)


def settings_that_differ(plan: Plan, one: str, other: str) -> list[Difference]:
    """What the steps of two variants are asked that differs, step by step: the path begins with the step's name.

    Steps of one name are held to each other in their order; a step that only one side has is said to be missing on the
    other. What differs alike everywhere is told once; a setting with other values elsewhere names the places.
    """
    found: dict[tuple[str, str, str], tuple[Difference, list[_Place]]] = {}
    for place, one_chain, other_chain in _beside(_by_place(plan, one), _by_place(plan, other)):
        first, second = _named(one_chain), _named(other_chain)
        for name in dict.fromkeys([*first, *second]):
            for each in _between(name, first.get(name), second.get(name)):
                found.setdefault((each.path, repr(each.one), repr(each.other)), (each, []))[1].append(place)
    times = Counter(path for path, _, _ in found)
    return [
        each if times[each.path] == 1 else replace(each, path=f"{each.path} ({_said(places)})")
        for each, places in found.values()
    ]


_Place = tuple[str, str | None, int]
"""A model, a task and a seed."""


def _said(places: Sequence[_Place]) -> str:
    """The tasks of some places, or their models where there are none."""
    return ", ".join(dict.fromkeys(task or model for model, task, _ in places))


_Chains = dict[_Place, list[Step]]


def _beside(one: _Chains, other: _Chains) -> Iterator[tuple[_Place, list[Step], list[Step]]]:
    """The chains of one model, task and seed; a chain without tasks stands beside those of every task."""
    for place in dict.fromkeys([*one, *other]):
        anywhere = (place[0], None, place[2])
        sides = [side.get(place) or side.get(anywhere) for side in (one, other)]
        if (
            place == anywhere
            and None in sides
            and any((key[0], None, key[2]) == anywhere for key in {*one, *other} - {place})
        ):
            continue  # it comes beside those of the tasks
        yield place, sides[0] or [], sides[1] or []


def _by_place(plan: Plan, variant: str) -> _Chains:
    """A variant's steps, in their order, by model, task and seed."""
    parents = {step.key: step for step in plan.steps}
    found: _Chains = {}
    for last in plan.final(variant):
        chain: list[Step] = []
        at: Step | None = last
        while at is not None:
            chain.insert(0, at)
            at = parents.get(at.parent) if at.parent else None
        found[last.model_name, last.task, last.seed] = chain
    return found


def _named(chain: Sequence[Step]) -> dict[str, Step]:
    """The steps of a chain by name; the second of a name has its number behind it."""
    found: dict[str, Step] = {}
    for step in chain:
        count = 2
        name = step.name
        while name in found:
            name, count = f"{step.name}({count})", count + 1
        found[name] = step
    return found


def _between(name: str, one: Step | None, other: Step | None) -> Iterator[Difference]:
    if one is None or other is None:
        yield Difference(name, *("no such step" if step is None else "a step of it" for step in (one, other)))
        return
    yield from nested_differences((name,), _asked(one), _asked(other))


def _asked(step: Step) -> dict[str, Any]:
    does = step.identity.get("does")
    return {**(does if isinstance(does, dict) else {"does": does}), "model": step.identity.get("model")}
