"""The statistics of a study as plain data: for the compliance report, the page, `report.json` and the analysis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from framework.manifest.experiment import Experiment
from framework.manifest.hyperparameters import recorded_as
from framework.manifest.metrics import falls_in
from framework.manifest.sections.values.stated_metrics import name_of
from framework.statistics.intervals import Interval
from reports.analysis.rows import Row
from reports.analysis.run_groups import PREFERRED
from reports.analysis.tables import text
from reports.statistics.contrasts import Contrast, contrasts
from reports.statistics.over_tasks import OverTasks, over_tasks
from reports.statistics.search_budget import SearchBudget, search_budgets


def statistics_of(experiment: Experiment, rows: Sequence[Row], asked: Sequence[str] = ()) -> dict[str, list[Any]]:
    """`contrasts`, `over_tasks`, `profiles` and `search_budget`, each a list of flat JSON objects; empty where there is
    nothing to say, or where scipy is not installed.

    Args:
        asked: The metrics to compare by; by default the one that each task declares, or a usual one.
    """
    try:
        import scipy  # noqa: F401  without it there is nothing to say
    except ImportError:
        return {"contrasts": [], "over_tasks": [], "profiles": [], "search_budget": []}
    found: dict[str, list[Any]] = {"contrasts": [], "over_tasks": [], "profiles": [], "search_budget": []}
    for metric in asked or (None,):
        metric_of = _metrics(experiment, rows, metric)
        falls = {name: falls_in(experiment.manifest, name) for name in metric_of.values()}
        found["contrasts"] += [_contrast(each) for each in contrasts(rows, metric_of)]
        together = list(over_tasks(rows, metric_of, falls))
        found["over_tasks"] += [_over_tasks(each) for each in together]
        found["profiles"] += [row for each in together for row in _profile(each, falls[each.metric])]
    found["search_budget"] = [row for each in search_budgets(experiment) for row in _budget(each)]
    for row in (row for table in found.values() for row in table):
        row["profile"] = experiment.profile
    return found


def tables_of(found: dict[str, list[Any]]) -> dict[str, str]:
    """Each as CSV, by the name of its file."""
    files = {"contrasts": "comparisons", "profiles": "performance_profiles"}
    return {f"{files.get(name, name)}.csv": text(list(rows[0]), rows) for name, rows in found.items() if rows}


def _metrics(experiment: Experiment, rows: Sequence[Row], asked: str | None) -> dict[tuple[str, str | None], str]:
    """By model and task the metric that variants are compared by."""
    found = {}
    for place in dict.fromkeys((row.model, row.task) for row in rows):
        names = dict.fromkeys(name for row in rows if (row.model, row.task) == place for name in row.metrics)
        stated = [asked] if asked else [*_declared(experiment, place[1]), *PREFERRED]
        known = (recorded_as(name, names) for name in stated)
        if (metric := next((name for name in known if name is not None), None)) is not None:
            found[place] = metric
    return found


def _declared(experiment: Experiment, task: str | None) -> Iterator[str]:
    for phase in experiment.manifest.phases.values():
        stated = (phase.for_task(task) if task in phase.tasks and task is not None else phase).metric
        if stated is not None and (task is None or task in phase.tasks):
            yield str(name_of(stated))


def _contrast(each: Contrast) -> dict[str, Any]:
    return {
        "model": each.model,
        "task": each.task,
        "metric": each.metric,
        "first": each.first,
        "second": each.second,
        "seeds": len(each.seeds),
        **_spread("difference", each.difference),
        **_spread("effect", each.effect),
        **_spread("wins", each.wins),
        "delta": _short(each.delta),
        "p": _short(each.tested.p),
        "attainable": _short(each.tested.attainable),
        "adjusted": _short(each.adjusted),
        "test": each.tested.method,
        "needed": each.needed,
        "needed_by_rank": each.needed_by_rank,
    }


def _over_tasks(each: OverTasks) -> dict[str, Any]:
    place = {"model": each.model, "metric": each.metric, "variant": each.variant}
    return {**place, "tasks": len(each.tasks), "seeds": len(each.seeds), **_spread("iqm", each.iqm)}


def _profile(each: OverTasks, lower: bool) -> Iterator[dict[str, Any]]:
    for threshold, share in each.profile:
        place = {"model": each.model, "metric": each.metric, "variant": each.variant}
        yield {**place, "at": "most" if lower else "least", "threshold": _short(threshold), **_spread("share", share)}


def _budget(each: SearchBudget) -> Iterator[dict[str, Any]]:
    place = {**each.study.place, "metric": each.metric, "of": each.trials, "why": each.why}
    for trials, best in each.curve:
        yield {**place, "trials": trials, **_spread("best", best)}
    if not each.curve:
        yield {**place, "trials": None, **_spread("best", None)}


def _spread(name: str, found: Interval | None) -> dict[str, float | None]:
    """An estimate with both ends, by names such as `iqm`, `iqm_low`, `iqm_high`."""
    values = (None, None, None) if found is None else (found.estimate, found.low, found.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), (_short(each) for each in values), strict=True))


def _short(value: float | None) -> float | None:
    """Six digits: what an interval carries, and what every machine computes alike."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
