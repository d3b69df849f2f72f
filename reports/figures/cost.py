"""Quality against cost: what was measured of each variant's checkpoint, and what it reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from statistics import fmean, median
from typing import Any

from framework.manifest.metrics import falls_in
from framework.planning.steps import Measure
from framework.stages.verify import VerifyResult
from reports.analysis.rows import Row
from reports.figures.drawn_figures import Figure, Style, legend, plain_axes, words
from reports.figures.sensitivity import metric_of

_MOST_FIGURES, _MOST_NAMED = 4, 20
_MORE_IS_BETTER = ("throughput", "tokens_per_second")
Cost = dict[tuple[str, str], float]
"""By variant and model."""


def against_cost(result: VerifyResult, rows: Sequence[Row], styles: dict[str, Style]) -> Iterator[Figure]:
    """One figure for each measured quantity that differs between variants; none where nothing was measured."""
    metric = metric_of(result, rows)
    if metric is None:
        return
    made = 0
    for (quantity, unit), cost in _costs(result).items():
        for model, task in dict.fromkeys((row.model, row.task) for row in rows):
            own = [row for row in rows if (row.model, row.task) == (model, task) and metric in row.metrics]
            values: dict[str, list[float]] = {}
            for row in own:
                if (row.variant, row.model) in cost:
                    values.setdefault(row.variant, []).append(row.metrics[metric])
            points = {name: (cost[name, model], fmean(found)) for name, found in values.items()}
            if len({x for x, _ in points.values()}) < 2 or made >= _MOST_FIGURES:
                continue
            made += 1
            cheap = 1 if not any(each in quantity for each in _MORE_IS_BETTER) else -1
            good = 1 if falls_in(result.experiment.stated, metric) else -1
            label = f"{quantity.replace('_', ' ')} ({unit})" if unit else quantity.replace("_", " ")
            title = " · ".join(part for part in (f"quality against {quantity.replace('_', ' ')}", task, model) if part)
            note = "means over seeds; the line joins what no other variant beats in both (the Pareto front)"
            name = ".".join(part for part in ("cost", quantity, task, model) if part)
            front = pareto(points, cheap, good)
            yield Figure(name, title, note, partial(_draw, points, front, label, metric, styles))


def pareto(points: dict[str, tuple[float, float]], cheap: int, good: int) -> list[str]:
    """The variants that no other one beats in both, by their cost; ``cheap`` and ``good`` are 1 where less is better,
    and -1 where more is."""
    front: list[str] = []
    best = float("inf")
    for name, (_, y) in sorted(points.items(), key=lambda each: (cheap * each[1][0], good * each[1][1])):
        if good * y < best:
            front.append(name)
            best = good * y
    return front


def _costs(result: VerifyResult) -> dict[tuple[str, str], Cost]:
    """By quantity and unit, at the largest batch and length that were measured, the median over runs."""
    found: dict[tuple[str, str], dict[tuple[str, str], list[tuple[Any, float]]]] = {}
    for observed in result.steps:
        if not isinstance(observed.step.work, Measure) or observed.run is None:
            continue
        for facts in observed.run.record.measurements:
            if isinstance(facts.get("value"), int | float):
                size = (facts.get("batch_size") or 0, facts.get("sequence_length") or 0)
                for variant in observed.step.variants:
                    own = found.setdefault((str(facts["quantity"]), str(facts.get("unit") or "")), {})
                    own.setdefault((variant, observed.step.model_name), []).append((size, float(facts["value"])))
    return {
        quantity: {
            place: median(value for size, value in own if size == max(size for size, _ in own))
            for place, own in of.items()
        }
        for quantity, of in found.items()
    }


def _draw(
    points: dict[str, tuple[float, float]],
    front: list[str],
    label: str,
    metric: str,
    styles: dict[str, Style],
    canvas: Any,
) -> None:
    axes = plain_axes(canvas, label, words(metric))
    axes.plot(*zip(*(points[name] for name in front), strict=True), color="#7F7F7F", linewidth=1, zorder=1)
    for name, (x, y) in points.items():
        style = styles.get(name, Style())
        axes.plot(
            [x], [y], marker=style.marker, color=style.colour, markersize=6, linestyle="none", label=name, zorder=2
        )
    axes.margins(0.1)
    legend(axes, len(points))
