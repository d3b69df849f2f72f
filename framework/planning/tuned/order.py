"""Search, choice, production: how far each study of a plan is, and what waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.tuned.tuning import Tuning
from framework.searching.foreign.reading import stored_of
from framework.searching.optimum import optimum_of
from framework.searching.spending import is_over, progress
from framework.searching.studies import Study, all_studies


def order_of(experiment: Experiment, plan: Plan) -> Iterator[dict[str, Any]]:
    """A row for each study that steps of a plan are about, as JSON data: `search`, `variant`, `model`, `task`,
    `progress` in words, `searched` and `chosen`, `runs` of production and how many of these are `waiting`, and
    `next`, the command that comes next, or what the manifest states otherwise (None where production may start).

    Raises:
        InputError: a journal, or what was chosen, cannot be read.
    """
    tuning = Tuning(experiment)
    for study in all_studies(experiment):
        steps = [
            step
            for step in plan.steps
            if (step.name, step.task, step.model_name) == (study.search.phase, study.task, study.model)
            and study.variant in step.variants
        ]
        if steps:
            stored = stored_of(study, experiment.root)
            searched = stored is not None and is_over(study.search, stored)
            chosen = optimum_of(study, tuning.optima) is not None
            waiting = [step.unswept[0].message for step in steps if step.unswept]
            yield {
                **study.place,
                "progress": progress(study.search, stored),
                "searched": searched,
                "chosen": chosen,
                "runs": len(steps),
                "waiting": len(waiting),
                "next": _next(study, searched, chosen, waiting),
            }


def _next(study: Study, searched: bool, chosen: bool, waiting: list[str]) -> str | None:
    if not waiting:
        return None
    if chosen and searched:
        return waiting[0].removeprefix(f"{study.label}: ")
    return "framework sweep analyze" if searched else f"framework sweep {study.name}"
