"""What was measured, over seeds: one table for each model and task, never more digits than the interval carries."""

from __future__ import annotations

import math
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.metrics import falls_in
from framework.stages.verify import VerifyResult
from reports.analysis.rows import study
from reports.analysis.run_groups import Group, Summary, groups


def mean_and_half(found: Summary) -> tuple[str, str | None]:
    """Two digits of half the interval's width, and the mean to the same place; without an interval four digits."""
    half = (found.high - found.low) / 2 if found.low is not None and found.high is not None else math.nan
    if half == 0:
        return f"{found.mean:.4g}", "0"
    if not math.isfinite(half):
        return f"{found.mean:.4g}", None
    places = max(0, 1 - math.floor(math.log10(half)))
    return f"{found.mean:.{places}f}", f"{half:.{places}f}"


def rounded(found: Summary) -> str:
    """`0.842 ± 0.013 (n = 5)`: never more digits than the interval carries."""
    mean, half = mean_and_half(found)
    return f"{mean} (n = {found.n})" if half is None else f"{mean} ± {half} (n = {found.n})"


def result_tables(result: VerifyResult) -> list[dict[str, Any]]:
    """`{title, metrics, rows: [{variant, cells, adopted}]}`, a metric with whether less of it is better."""
    try:
        found = groups(study(result.experiment, result.plan).rows)
    except (FrameworkError, ImportError):
        return []  # nothing to average, or nothing to average with
    tables = []
    for model, task in dict.fromkeys((group.first.model, group.first.task) for group in found):
        members = [group for group in found if (group.first.model, group.first.task) == (model, task)]
        metrics = list(dict.fromkeys(name for group in members for name in group.metrics))
        lower = {name: falls_in(result.experiment.stated, name) for name in metrics}
        tables.append(
            {
                "title": ", ".join(part for part in (model, task) if part),
                "metrics": [{"name": name, "lower": lower[name]} for name in metrics],
                "rows": [_line(group, metrics) for group in members],
            }
        )
    return tables


def _line(group: Group, metrics: list[str]) -> dict[str, Any]:
    cells = [rounded(group.metrics[name]) if name in group.metrics else "-" for name in metrics]
    return {"variant": group.first.variant, "cells": cells, "adopted": bool(group.first.adopted)}
