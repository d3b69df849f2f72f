"""How a metric goes with each hyperparameter of a grid: every run as a point, and the means joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from framework.manifest.hyperparameters import same_metric
from framework.manifest.metrics import LOSS_BY_UNIT
from framework.manifest.sections.values.stated_metrics import unit_of
from framework.stages.verify import VerifyResult
from reports.analysis.rows import Row
from reports.figures.drawn_figures import Figure, Style, plain_axes, words

_MOST_FIGURES, _MOST_LINES, _WIDE = 8, 6, 20.0


def metric_of(result: VerifyResult, rows: Sequence[Row]) -> str | None:
    """The metric that the study is about: what grids are chosen by, else what the phases report, else the loss."""
    there = list(dict.fromkeys(name for row in rows for name in row.metrics))
    asked = [each.metric for each in result.experiment.best.values.values()]
    for phase in result.experiment.manifest.phases.values():
        stated = [each for each in (phase, *phase.tasks.values()) if each.metric is not None]
        asked += [LOSS_BY_UNIT.get(unit_of(each.metric) or "", str(each.metric_name)) for each in stated]
    for name in (*asked, "validation_loss"):
        for each in there:
            if each == name or same_metric(each, name):
                return each
    return None


def sensitivity(result: VerifyResult, rows: Sequence[Row], styles: dict[str, Style]) -> Iterator[Figure]:
    """A figure for each axis of a grid whose values are numbers, where at least two of them were run. An axis of
    sparsities has figures of its own."""
    metric = metric_of(result, rows)
    if metric is None:
        return
    made = 0
    for grid, stated in result.experiment.manifest.grids.items():
        of_grid = [row for row in rows if row.variant.startswith(f"{grid}/") and metric in row.metrics]
        for axis in stated.over:
            for model, task in dict.fromkeys((row.model, row.task) for row in of_grid):
                members = [row for row in of_grid if (row.model, row.task) == (model, task)]
                points = [(x, row) for row in members if (x := _number(row.axes[axis])) is not None]
                if len({x for x, _ in points}) < 2 or any(row.asked == x for x, row in points) or made >= _MOST_FIGURES:
                    continue
                made += 1
                best = _chosen(result, grid, axis)
                said = f"; {grid}/{best} was chosen" if best is not None and len(stated.over) == 1 else ""
                seeds = len({row.seed for row in members})
                note = f"{words(metric)} of each run ({seeds} seed{'s' * (seeds != 1)}), the means joined{said}"
                title = " · ".join(part for part in (f"{grid}: {axis}", task, model) if part)
                name = ".".join(part for part in ("sensitivity", grid, axis, task, model) if part)
                yield Figure(
                    name,
                    title,
                    note,
                    partial(
                        _draw, points, grid if len(stated.over) == 1 else axis, axis, metric, styles, _number(best)
                    ),
                )


def _chosen(result: VerifyResult, grid: str, axis: str) -> str | None:
    """The value of an axis that the chosen variant of a grid has."""
    found = next((each.variant for each in result.experiment.best.values.values() if each.grid == grid), None)
    if found is None:
        return None
    axes = list(result.experiment.manifest.grids[grid].over)
    return found.split("/")[1:][axes.index(axis)]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.replace("_", ""))
    except ValueError:
        return None


def _draw(
    points: Sequence[tuple[float, Row]],
    label: str,
    axis: str,
    metric: str,
    styles: dict[str, Style],
    best: float | None,
    canvas: Any,
) -> None:
    axes = plain_axes(canvas, label.replace("_", " "), words(metric))
    lines: dict[tuple[tuple[str, str], ...], list[tuple[float, Row]]] = {}
    for x, row in points:
        others = tuple((name, value) for name, value in row.axes.items() if name != axis)
        lines.setdefault(others, []).append((x, row))
    for others, own in list(lines.items())[:_MOST_LINES]:
        values: dict[float, list[float]] = {}
        for x, row in own:
            values.setdefault(x, []).append(row.metrics[metric])
        entry = ", ".join(f"{name} {value}" for name, value in others)
        axes.plot(
            sorted(values), [fmean(values[x]) for x in sorted(values)], color="#7F7F7F", lw=1, label=entry, zorder=1
        )
        for x, row in own:
            style = styles.get(row.variant, Style())
            axes.plot([x], [row.metrics[metric]], marker=style.marker, color=style.colour, markersize=6, zorder=2)
        if best in values and not others:
            height = fmean(values[best])
            axes.plot([best], [height], marker="o", markersize=13, color="#000000", markerfacecolor="none", zorder=3)
    known = sorted({x for x, _ in points})
    if known[0] > 0 and known[-1] / known[0] >= _WIDE:
        axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(known, [f"{x:g}" for x in known], rotation=30 if len(known) > 6 else 0)
    axes.margins(x=0.08, y=0.15)
    if 1 < len(lines) <= _MOST_LINES:
        axes.legend(fontsize=7, frameon=False)
