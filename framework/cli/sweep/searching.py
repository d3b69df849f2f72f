"""Searching: trials in a pool, one line for each that ended."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from framework.cli.run import require_possible
from framework.cli.terminal import console
from framework.errors import FrameworkError, UsageError
from framework.evidence.store import RunStore
from framework.isolation import own
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.tuned.trial_plans import first_point, trial_plan
from framework.searching.disk import disk_of
from framework.searching.spending import is_over, progress
from framework.searching.studies import Study
from framework.searching.trials import read_study


def search(experiment: Experiment, studies: Sequence[Study], options: argparse.Namespace) -> int:
    """Search until all budgets are spent.

    Raises:
        UsageError: a stored study is another search than the one that is asked for; or this machine cannot.
        FrameworkError: a search ended without a value.
    """

    if elsewhere := [study for study in studies if study.search.trials is not None]:
        names = ", ".join(dict.fromkeys(study.name for study in elsewhere))
        raise UsageError(f"the trials of {names} are another tool's: framework sweep analyze reads them")

    def steps(other: Experiment) -> Plan:
        found = {
            step.key: step for study in studies for step in trial_plan(other, study, first_point(study.search)).steps
        }
        return Plan(tuple(found.values()))

    require_possible(experiment, steps(experiment), steps, forked=True)

    def told(study: Study, proposal: Any, text: str) -> None:
        values = ", ".join(f"{key} {shown(value)}" for key, value in proposal.point.items())
        if options.format == "text":
            console.literal(f"{study.label} · trial {proposal.number}: {text}  ({values})")

    for _ in own("runners.search.sweeping").sweep(experiment, studies, options.jobs or 1, told=told):
        pass
    return _said(experiment, studies, options)


def _said(experiment: Experiment, studies: Sequence[Study], options: argparse.Namespace) -> int:
    rows, without = [], []
    store = RunStore(experiment.runs, listed=True)
    for study in studies:
        stored = read_study(study.path(experiment.root))
        over = stored is not None and is_over(study.search, stored)
        size = disk_of(stored, store) if stored is not None else 0
        rows.append({**study.place, "progress": progress(study.search, stored), "over": over, "bytes": size})
        if stored is not None and over and not stored.count("completed"):
            errors = {trial.facts.get("error", trial.state) for trial in stored.trials}
            without.append(f"{study.label}: no trial has a value: {'; '.join(sorted(errors)[:3])}")
    if options.format == "json":
        console.as_json({"studies": rows})
    else:
        for study, row in zip(studies, rows, strict=True):
            kept = {"best": "the tensors of its best trial", "none": "no tensors", "all": "the tensors of all trials"}
            what = f"{row['bytes'] / 1e6:,.1f} MB on disk, with {kept[study.search.keep]}"
            console.literal(f"{study.label}: {row['progress']}; {what}")
        console.literal("next: framework sweep analyze")
    if without:
        raise FrameworkError("\n".join(without))
    return 0
