"""Ending a trial on its way because others did better, from within its run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna

from framework.errors import FrameworkError
from framework.evidence.record import RunRecord
from framework.manifest.hyperparameters import same_metric
from framework.manifest.sections.searching.searches import Pruning, Search
from framework.planning.steps import Step
from runners.progress import Silent
from runners.search.journals import Journal

PRUNED = "pruned"
"""The attribute of a trial that was ended early: by whom, and at which evaluation."""


class Pruned(FrameworkError):
    """The trial that a run belongs to was ended early."""


def pruner_of(pruning: Pruning) -> optuna.pruners.BasePruner:
    """Optuna's pruner. Its steps are evaluations, from 1."""
    if pruning.name == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=pruning.startup_trials, n_warmup_steps=pruning.warmup_evaluations
        )
    return optuna.pruners.SuccessiveHalvingPruner(
        min_resource=pruning.first_rung, reduction_factor=pruning.reduction, min_early_stopping_rate=0
    )


class Watching(Silent):
    """A run's progress that reports each evaluation to the study, and ends the run where the pruner says so.

    The last evaluation ends nothing: the training is over, and its value counts.
    """

    def __init__(self, search: Search, journal: Path, number: int):
        assert search.pruning is not None
        self._search, self._number = search, number
        self._storage = Journal(journal)
        self._pruner = pruner_of(search.pruning)
        self._study = optuna.Study(self._storage.get_all_studies()[0].study_name, self._storage, pruner=self._pruner)
        self._total = 0

    def begin(self, step: Step, total_steps: int) -> None:
        self._total = total_steps

    def event(self, event: str, **facts: Any) -> None:
        if event != "evaluation":
            return
        value = next((found for name, found in facts.items() if same_metric(name, self._search.metric_name)), None)
        if value is None:
            return
        evaluation = math.ceil(facts["epoch"] - 1e-9)
        self._storage.set_trial_intermediate_value(self._number, evaluation, float(value))
        if facts["step"] >= self._total:
            return
        if self._pruner.prune(self._study, self._storage.get_trial(self._number)):
            by = self._search.pruning.name if self._search.pruning else ""
            said = {"by": by, "evaluation": evaluation, "value": float(value), "step": facts["step"]}
            self._storage.set_trial_user_attr(self._number, PRUNED, said)
            raise Pruned(f"pruned by {by} after evaluation {evaluation}: {self._search.metric_name} {value:.6g}")

    def end(self, record: RunRecord) -> None:
        pass
