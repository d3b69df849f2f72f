"""What a trial of a search executes: the searched step with the values of its point, and all that it builds on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.searched.covered_steps import step_of
from framework.manifest.searched.value_sets import Point, active, listed
from framework.manifest.sections.searching.searches import Search
from framework.planning.build import Plan, build, complete
from framework.planning.steps import Step
from framework.planning.tuned.tuning import Tuning
from framework.searching.studies import Study, studies_of


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """The steps of a trial in an order in which each comes after those it reads; ``final`` are those whose metrics
    count, one for each seed of the search."""

    steps: tuple[Step, ...]
    final: tuple[Step, ...]


def trial_plan(experiment: Experiment, study: Study, point: Mapping[str, Any]) -> TrialPlan:
    """The plan of one trial.

    Raises:
        InputError: the point cannot be put into the step, or the step cannot be executed; each with its place.
    """
    search = study.search
    values = {**search.set, **point}
    tuning = Tuning(experiment, {(study.name, study.variant, study.task): values})
    models, tasks = [study.model] if study.model else [], [study.task] if study.task else []
    plan = build(experiment, [study.variant], models, tasks, search.seeds, tuning=tuning)
    index = step_of(experiment.manifest, study.variant, search.phase)[0]
    place = ("variants", study.variant, "steps", index)
    final = [step for step in plan.steps if place in step.places]
    needed = [step.key for step in final]
    by_key = {step.key: step for step in plan.steps}
    for key in needed:
        step = by_key[key]
        needed += [each for each in (step.parent, *step.references.values()) if each and each not in needed]
    steps = tuple(step for step in plan.steps if step.key in needed)
    complete(Plan(steps))
    return TrialPlan(steps, tuple(final))


def first_point(search: Search) -> Point:
    """The first value of each key, in a space in which conditions hold as they do there."""
    point: Point = {}
    for key, values in search.dimensions.items():
        if active(values, point):
            known = listed(values)
            point[key] = known[0] if known else float(values.bounds[0])
    return point


def at_first_points(experiment: Experiment) -> Tuning:
    """The first point of every search in the place of what it is to choose."""
    points: dict[tuple[str, str, str | None], Point] = {}
    for study in studies_of(experiment):
        points[study.name, study.variant, study.task] = {**study.search.set, **first_point(study.search)}
    return Tuning(experiment, points)


def basis_of(experiment: Experiment, study: Study, point: Mapping[str, Any]) -> str:
    """A digest of what trials train, at one and the same point: it changes with whatever decides a result beside the
    searched values."""
    keys = [step.key for step in trial_plan(experiment, study, point).final]
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()


def basis_or_none(experiment: Experiment, study: Study, point: Mapping[str, Any]) -> str | None:
    """The same; None where the point cannot be put in any more."""
    try:
        return basis_of(experiment, study, point)
    except InputError:
        return None
