"""The stages of a study one after the other, each with its runs and the target that a claim states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from framework.manifest.hyperparameters import same_metric
from framework.stages.verify import VerifyResult
from reports.analysis.rows import Row
from reports.analysis.run_groups import groups
from reports.figures.drawn_figures import Figure, Style, plain_axes, words
from reports.figures.sensitivity import metric_of

_NUMBER = r"([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
_TARGET = re.compile(rf"\s*(\w+)\(([^()]+)\)\s*(<=?|>=?)\s*{_NUMBER}\s*")
_PUBLISHED = re.compile(rf"\s*abs\((\w+)\(([^()]+)\)\s*-\s*{_NUMBER}\)\s*<=?.*")
_MOST_STAGES = 12


def targets(result: VerifyResult, metric: str) -> Iterator[tuple[str, str, float]]:
    """Of the claims that compare one result with a number: variant, how (`<`, `=`), and the number."""
    for claim in result.experiment.manifest.claims:
        if (match := _TARGET.fullmatch(claim.assert_)) and same_metric(match[1], metric):
            yield match[2].partition(",")[0].strip(), match[3], float(match[4].replace("_", ""))
        elif (match := _PUBLISHED.fullmatch(claim.assert_)) and same_metric(match[1], metric):
            yield match[2].partition(",")[0].strip(), "=", float(match[3].replace("_", ""))


def ladder(result: VerifyResult, rows: Sequence[Row], styles: dict[str, Style]) -> Iterator[Figure]:
    """One figure for each model and task, of the variants that are written out, where a claim states a target and at
    least two variants were run."""
    metric = metric_of(result, rows)
    if metric is None or not (stated := list(targets(result, metric))):
        return
    written = [row for row in rows if not row.axes and metric in row.metrics]
    for model, task in dict.fromkeys((row.model, row.task) for row in written):
        own = [row for row in written if (row.model, row.task) == (model, task)]
        stages = list(dict.fromkeys(row.variant for row in own))
        if 2 <= len(stages) <= _MOST_STAGES:
            title = " · ".join(part for part in ("the stages and their targets", task, model) if part)
            several = any(group.metrics[metric].low is not None for group in groups(own))
            bars = "; bars: 95 % t intervals of the mean" if several else ", of one run each"
            note = f"{words(metric)}{bars}; dashes: what a claim states"
            name = ".".join(part for part in ("ladder", task, model) if part)
            yield Figure(name, title, note, partial(_draw, own, stages, metric, stated, styles))


def _draw(
    rows: Sequence[Row],
    stages: list[str],
    metric: str,
    stated: Sequence[tuple[str, str, float]],
    styles: dict[str, Style],
    canvas: Any,
) -> None:
    axes = plain_axes(canvas, "", words(metric))
    means = []
    for place, group in enumerate(groups(rows)):
        found, style = group.metrics[metric], styles.get(group.first.variant, Style())
        means.append(found.mean)
        points = [row.metrics[metric] for row in rows if row.variant == group.first.variant]
        axes.plot([place] * len(points), points, "o", color=style.colour, markersize=7, zorder=3)
        if found.low is not None and found.high is not None:
            axes.errorbar(
                [place], [found.mean], [[found.mean - found.low], [found.high - found.mean]], color=style.colour
            )
        axes.annotate(
            f"{found.mean:.4g}", (place, found.mean), (0, 8), textcoords="offset points", ha="center", fontsize=8
        )
    axes.plot(range(len(means)), means, color="#7F7F7F", linewidth=1, zorder=1)
    for variant, sign, number in stated:
        if variant in stages:
            place = stages.index(variant)
            axes.plot(
                [place - 0.3, place + 0.3], [number, number], color="#000000", linestyle="--", linewidth=1.2, zorder=2
            )
            said = f"{sign} {number:g}"
            axes.annotate(said, (place, number), (0, 3), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xticks(range(len(stages)), stages)
    axes.margins(x=0.12, y=0.15)
