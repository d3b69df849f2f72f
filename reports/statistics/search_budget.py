"""What a search of so many trials finds, told from the trials of a longer one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from framework.errors import FrameworkError
from framework.manifest.experiment import Experiment
from framework.searching.foreign.reading import stored_of
from framework.searching.studies import Study, all_studies
from framework.searching.trials import StoredStudy, Trial
from framework.statistics.expected_best import expected_best_interval
from framework.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class SearchBudget:
    """``curve`` is by number of trials the expected best value of so many (Dodge et al. 2019) with its interval, over
    ``trials`` independent ones; empty where ``why`` says what stands against it."""

    study: Study
    metric: str
    trials: int
    curve: tuple[tuple[int, Interval], ...]
    why: str = ""


def search_budgets(experiment: Experiment) -> Iterator[SearchBudget]:
    """For each study that has trials."""
    for study in all_studies(experiment):
        try:
            stored = stored_of(study, experiment.root)
        except FrameworkError:
            continue  # R150 says what is wrong with it
        if stored is not None and stored.trials:
            yield _of(study, stored)


def _of(study: Study, stored: StoredStudy) -> SearchBudget:
    search = study.search
    trials = [trial for trial in stored.trials if trial.state == "completed" and trial.value is not None]
    why = ""
    if search.sampling.name == "tpe":
        trials = [trial for trial in trials if trial.number < search.sampling.startup_trials and not _first(trial)]
        why = "only the random trials before TPE begins"
    elif search.sampling.name in ("cmaes", "sobol"):
        return SearchBudget(study, search.metric_name, 0, (), f"trials of {search.sampling.name} are not independent")
    if pruned := stored.count("pruned"):
        return SearchBudget(study, search.metric_name, 0, (), f"{pruned} pruned trials have no value")
    values = [float(trial.value) for trial in trials if trial.value is not None]
    if len(values) < 2:
        return SearchBudget(study, search.metric_name, len(values), (), why or "fewer than 2 trials have a value")
    curve = tuple((each, expected_best_interval(values, each, search.falls)) for each in _budgets(len(values)))
    return SearchBudget(study, search.metric_name, len(values), curve, why)


def _first(trial: Trial) -> bool:
    """Whether a point was enqueued, not drawn."""
    return trial.drawn.get("by") == "first"


def _budgets(most: int) -> list[int]:
    """1, 2, 4, ..., and all."""
    found = [1]
    while found[-1] * 2 < most:
        found.append(found[-1] * 2)
    return [*found, most]
