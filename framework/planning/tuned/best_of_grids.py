"""Values that are the best of a grid, filled in from the evidence of that grid's runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.hyperparameters import same_metric
from framework.manifest.loading import chosen_again
from framework.manifest.loading import load as load_statement
from framework.manifest.metrics import falls_in
from framework.manifest.searched.best_values import Asked
from framework.planning.build import build

Among = tuple[Mapping[str, Any], ...]


def load(path: str | Path = "experiment.yaml", profile: str | None = None) -> Experiment:
    """Load a manifest, under a profile if one is named, with the values that runs decide as far as they did.

    Raises:
        InputError: it cannot be read, or is not a valid manifest; every problem with its place.
        UsageError: there is no such profile.
    """
    return filled(load_statement(path, profile))


def filled(experiment: Experiment) -> Experiment:
    """The experiment with the values that are the best of a grid, as far as all runs of that grid are there.

    A grid is compared by the mean of the metric over its seeds, in the direction in which the metric improves; of
    equals the first is taken. What is chosen for one grid may decide what another one's runs are, and so on.
    """
    if not experiment.best.values:
        return experiment
    store = RunStore(experiment.runs, listed=True)
    chosen: dict[Asked, tuple[str, Among] | str] = {}
    while True:
        asked = {each.asked for each in experiment.best.values.values()}
        known = {each for each, choice in chosen.items() if not isinstance(choice, str)}
        new: dict[Asked, tuple[str, Among] | str] = {each: _best(experiment, store, *each) for each in asked - known}
        chosen |= new
        experiment = _with(experiment, chosen)
        if all(isinstance(choice, str) for choice in new.values()):
            return experiment


def _with(experiment: Experiment, chosen: Mapping[Asked, tuple[str, Among] | str]) -> Experiment:
    found = chosen_again(experiment, chosen)
    if not experiment.set_values:
        return found
    from framework.manifest.overridden.from_arguments import with_values

    plain = chosen_again(experiment.as_stated, chosen)
    return with_values(plain, dict(experiment.set_values), experiment.named_profile)


def _best(experiment: Experiment, store: RunStore, grid: str, metric: str) -> tuple[str, Among] | str:
    """The variant that is the best of a grid, and what it was chosen among; in words, why none is."""
    names = [name for name in experiment.manifest.variants if name.startswith(f"{grid}/")]
    if before := next((each for name in names for each in experiment.best.of_variant(name) if each.is_open), None):
        return f"its own variants wait for the best of {before.grid}"
    plan = build(experiment, names)
    among: list[dict[str, Any]] = []
    missing: list[str] = []
    for name in names:
        steps = plan.final(name)
        if len({(step.model_name, step.task) for step in steps}) > 1:
            return f"{name} is run with several models or tasks, each with a best value of its own; state a search"
        runs = [store.done(step.key) for step in steps]
        missing += [step.label for step, run in zip(steps, runs, strict=True) if run is None]
        measured = [measured_by(run.record.metrics, metric) for run in runs if run is not None]
        if None in measured:
            recorded = next(run.record.metrics for run in runs if run is not None)
            return f"the runs of {name} recorded no {metric}, but {', '.join(recorded) or 'nothing'}"
        numbers = [each for each in measured if each is not None]
        among.append({"variant": name, "measured": fmean(numbers) if numbers else None, "runs": [s.key for s in steps]})
    if missing:
        total = sum(len(each["runs"]) for each in among)
        return f"{len(missing)} of its {total} runs are not there ({missing[0]})"
    sign = 1.0 if falls_in(experiment.manifest, metric) else -1.0
    finite = [each for each in among if math.isfinite(each["measured"])]
    if not finite:
        return f"no {metric} of its runs is a finite number"
    return min(finite, key=lambda each: sign * each["measured"])["variant"], tuple(among)


def measured_by(metrics: Mapping[str, float], metric: str) -> float | None:
    """A run's metric, by whichever of its names."""
    if metric in metrics:
        return float(metrics[metric])
    return next((float(value) for name, value in metrics.items() if same_metric(name, metric)), None)
