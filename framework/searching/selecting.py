"""Which trial of a study is taken, and what kept others from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from framework.manifest.hyperparameters import same_metric
from framework.manifest.searched.value_sets import at_edge, outside
from framework.manifest.sections.searching.searches import Search
from framework.manifest.sections.values.stated_metrics import falls, name_of
from framework.searching.trials import StoredStudy, Trial


@dataclass(frozen=True, slots=True)
class Choice:
    """The trial that is taken, with its value; ``left_out`` are the others that could not be, by number, with the
    reason. Without a trial nothing could be taken."""

    trial: Trial | None
    value: float | None
    left_out: dict[int, str]


def rule_of(search: Search) -> str:
    """The rule in words."""
    least = "lowest" if falls(search.selected_by) else "highest"
    moment = {"restored": "of the kept model", "last": "of the last evaluation", "best": "of the best evaluation"}
    over = f", {search.selection.seeds} over {len(search.seeds)} search seeds" if len(search.seeds) > 1 else ""
    return (
        f"{least} {name_of(search.selected_by)} on {search.selection.split}, {moment[search.selection.value]}{over}, "
        "among trials that are complete, finite, of full length and in the space; of equals the first"
    )


def selected(search: Search, study: StoredStudy) -> Choice:
    """The best of the trials that are complete, finite, of full length and in the declared space; of equals the one
    with the lowest number."""
    left_out: dict[int, str] = {}
    found: list[tuple[float, int, Trial]] = []
    sign = 1.0 if falls(search.selected_by) else -1.0
    for trial in study.trials:
        reason = next(_against(search, trial), None)
        if reason is not None:
            left_out[trial.number] = reason
            continue
        value = value_of(search, trial)
        assert value is not None
        found.append((sign * value, trial.number, trial))
    if not found:
        return Choice(None, None, left_out)
    best = min(found, key=lambda each: each[:2])
    return Choice(best[2], sign * best[0], left_out)


def value_of(search: Search, trial: Trial) -> float | None:
    """What a trial is compared by: the objective's value, or that of another metric that selection names."""
    name = str(name_of(search.selected_by))
    if same_metric(name, search.metric_name):
        return trial.value
    metrics = trial.facts.get("metrics", {})
    return next((float(value) for metric, value in metrics.items() if same_metric(metric, name)), None)


def _against(search: Search, trial: Trial) -> Iterator[str]:
    """What keeps a trial from being taken: a failed state goes before any value."""
    if trial.state != "completed":
        yield {"failed": f"failed: {trial.facts.get('error', 'for an unknown reason')}"}.get(trial.state, trial.state)
        return
    for key, why in outside(search.dimensions, trial.point).items():
        yield f"outside the space: {key}: {why}"
    value = value_of(search, trial)
    if value is None:
        yield f"it recorded no {name_of(search.selected_by)}"
    elif not math.isfinite(value):
        yield f"its value is {value}"
    steps, planned = trial.facts.get("optimizer_steps"), trial.facts.get("planned_steps")
    if steps is not None and planned is not None and steps < planned and not trial.facts.get("stopped_early"):
        yield f"it trained {steps} of {planned} optimizer steps"


def edges(search: Search, trial: Trial) -> dict[str, str]:
    """The keys whose value lies at an end of what is searched, and which end: a better one may lie beyond."""
    found = {key: at_edge(search.dimensions[key], value) for key, value in trial.point.items()}
    return {key: end for key, end in found.items() if end is not None}
