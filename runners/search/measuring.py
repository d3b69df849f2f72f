"""What a trial's runs measured: the value that it is compared by, and what it cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.record import EVENTS, read_lines
from framework.evidence.store import Run
from framework.manifest.hyperparameters import same_metric
from framework.manifest.sections.searching.searches import Search
from framework.manifest.sections.values.stated_metrics import falls


def facts_of(search: Search, runs: Sequence[Run], final: Sequence[Run]) -> dict[str, Any]:
    """The facts of a trial, for its study; see :class:`framework.searching.trials.Trial`."""
    observed = [run.record.observed for run in final]
    steps = [each.get("optimizer_steps") for each in observed]
    planned = [each.get("planned_steps") for each in observed]
    measured = [_metrics(search, run) for run in final]
    common = [name for name in measured[0] if all(name in each for each in measured)]
    return {
        "runs": [run.record.key for run in runs],
        "final": [run.record.key for run in final],
        "metrics": {name: _over_seeds(search, name, [each[name] for each in measured]) for name in common},
        "optimizer_steps": None if None in steps else sum(steps),
        "planned_steps": None if None in planned else sum(planned),
        "stopped_early": any("stopped_early" in each for each in observed),
        "hours": sum((run.record.seconds or 0.0) / 3600 * run.record.observed.get("processes", 1) for run in final),
    }


def objective_of(search: Search, facts: dict[str, Any]) -> float:
    """The objective's value.

    Raises:
        FrameworkError: the runs did not record it.
    """
    for name, value in facts["metrics"].items():
        if same_metric(name, search.metric_name):
            return float(value)
    known = ", ".join(facts["metrics"]) or "nothing"
    raise FrameworkError(f"its runs recorded no {search.metric_name}, but {known}")


def _metrics(search: Search, run: Run) -> dict[str, float]:
    """A run's metrics, of the moment that selection speaks of."""
    moment = search.selection.value
    if moment == "restored":
        return dict(run.record.metrics)
    seen = [line for line in read_lines(run.folder / EVENTS) if line.get("event") == "evaluation"]
    if not seen:
        raise FrameworkError(f"{run.record.folder} evaluated nothing on its way, so it has no {moment} evaluation")
    names = [name for name, value in seen[-1].items() if isinstance(value, float) and name != "epoch"]
    if moment == "last":
        return {name: seen[-1][name] for name in names}
    best = min if search.falls else max
    objective = next((name for name in names if same_metric(name, search.metric_name)), None)
    if objective is None:
        return {}
    chosen = best(seen, key=lambda line: line[objective])
    return {name: chosen[name] for name in names}


def _over_seeds(search: Search, name: str, values: Sequence[float]) -> float:
    if search.selection.seeds == "mean":
        return statistics.fmean(values)
    if search.selection.seeds == "median":
        return float(statistics.median(values))
    lower = search.falls if same_metric(name, search.metric_name) else falls(name)
    return max(values) if lower else min(values)
