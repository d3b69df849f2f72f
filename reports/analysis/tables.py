"""The tables as CSV text: every run, every group over its seeds, and performance over sparsity."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.analysis.rows import Row
from reports.analysis.run_groups import Group, Summary


def summary_csv(rows: Sequence[Row]) -> str:
    """One line per declared run."""
    axes, metrics = _names(row.axes for row in rows), _names(row.metrics for row in rows)
    return text(
        [
            *["variant", *axes, "model", "task", "seed", "profile", "sparsity_asked", "sparsity_reached"],
            *[*metrics, "seconds", "key", "folder", "adopted", "recorded"],
        ],
        (
            {
                **_place(row),
                "seed": row.seed,
                "profile": row.profile,
                "sparsity_reached": row.reached,
                **row.metrics,
                "seconds": row.seconds,
                "key": row.key,
                "folder": row.folder,
                "adopted": row.adopted,
                "recorded": row.recorded,
            }
            for row in rows
        ),
    )


def grouped_csv(groups: Sequence[Group]) -> str:
    """One line per variant, model and task: each metric over the seeds."""
    axes, metrics = _names(group.first.axes for group in groups), _names(group.metrics for group in groups)
    fields = [f"{name}_{part}" for name in metrics for part in ("n", "mean", "std", "low", "high")]
    lines = (
        {
            **_place(group.first),
            "seeds": len(group.seeds),
            "sparsity_reached": group.reached.mean if group.reached else None,
            **{f"{name}_{part}": value for name, found in group.metrics.items() for part, value in _parts(found)},
        }
        for group in groups
    )
    return text(["variant", *axes, "model", "task", "seeds", "sparsity_asked", "sparsity_reached", *fields], lines)


def curve_csv(groups: Sequence[Group]) -> str:
    """One line per group and metric, by what is compared and then by sparsity; only groups that state one."""
    stated = [group for group in groups if group.first.asked is not None]
    stated.sort(key=lambda group: (group.first.model, group.first.task or "", group.first.line, group.first.asked or 0))
    lines = (
        {
            "compared": group.first.line,
            "model": group.first.model,
            "task": group.first.task,
            "sparsity_asked": group.first.asked,
            "sparsity_reached": group.reached.mean if group.reached else None,
            "metric": name,
            **dict(_parts(found)),
        }
        for group in stated
        for name, found in group.metrics.items()
    )
    own = ["compared", "model", "task", "sparsity_asked", "sparsity_reached", "metric"]
    return text([*own, "n", "mean", "std", "low", "high"], lines)


def _place(row: Row) -> dict[str, Any]:
    return {"variant": row.variant, **row.axes, "model": row.model, "task": row.task, "sparsity_asked": row.asked}


def _parts(found: Summary) -> list[tuple[str, Any]]:
    return [(part, getattr(found, part)) for part in ("n", "mean", "std", "low", "high")]


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def text(fields: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header; what is None or not there is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in line.items()} for line in lines)
    return stream.getvalue()
