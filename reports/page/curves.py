"""Loss and learning rate over the optimizer steps, as SVG that takes its ink from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from framework.errors import InputError
from framework.planning.steps import Training
from framework.stages.run.observed import Observed
from framework.stages.verify import VerifyResult

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#F0E442")
"""Told apart with every kind of colour blindness (Okabe & Ito 2008)."""
DASHES = ("-", "--", ":", "-.")
_POINTS, _MOST_LINES, _MOST_FIGURES = 160, 40, 8
_QUANTITIES = (("loss", "training loss"), ("learning_rate", "learning rate"))


def style_of(result: VerifyResult) -> dict[str, tuple[str, str]]:
    """By variant its colour and dash, the same in every figure."""
    names = list(result.experiment.manifest.variants)
    return {
        name: (COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)])
        for place, name in enumerate(names)
    }


def figures(result: VerifyResult) -> list[dict[str, Any]]:
    """`{title, note, svg}` for each phase, task and model that ran: one line for each run, coloured by variant.

    None without matplotlib, and none where there is nothing to show.
    """
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    found: dict[tuple[str, str, str], list[Observed]] = {}
    for observed in result.steps:
        step = observed.step
        if observed.run is not None and isinstance(step.work, Training):
            found.setdefault((step.name, step.task or "", step.model_name), []).append(observed)
    styles = style_of(result)
    made = []
    for (phase, task, model), members in list(found.items())[:_MOST_FIGURES]:
        lines = [(each, points) for each in members[:_MOST_LINES] if (points := _trace(each))]
        for quantity, label in _QUANTITIES:
            curves = [(each, [(x, line[quantity]) for x, line in points if quantity in line]) for each, points in lines]
            curves = [(each, points) for each, points in curves if len(points) > 1]
            if not curves:
                continue
            title = " · ".join(part for part in (phase, task, model) if part)
            left = f"; {len(members) - _MOST_LINES} more runs are not drawn" if len(members) > _MOST_LINES else ""
            note = f"{label} over optimizer steps, {len(curves)} runs{left}"
            made.append({"title": title, "note": note, "svg": _drawn(matplotlib, curves, styles, label)})
    return made


def _trace(observed: Observed) -> list[tuple[int, dict[str, float]]]:
    """Steps and their lines, thinned to what a figure can show."""
    try:
        lines = observed.trace
    except (InputError, OSError):
        return []
    stride = max(1, len(lines) // _POINTS)
    kept = [line for place, line in enumerate(lines) if place % stride == 0 or place == len(lines) - 1]
    numbers = (
        (line.get("step"), {name: line[name] for name, _ in _QUANTITIES if isinstance(line.get(name), int | float)})
        for line in kept
    )
    return [(step, line) for step, line in numbers if isinstance(step, int)]


def _drawn(matplotlib: Any, curves: list[Any], styles: dict[str, tuple[str, str]], label: str) -> str:
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "framework", "font.size": 9}):
        figure = Figure(figsize=(6.4, 3.1), layout="constrained")
        axes = figure.add_subplot()
        named: set[str] = set()
        for observed, points in curves:
            variant = observed.step.variant
            colour, dash = styles.get(variant, (COLOURS[-2], "-"))
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                color=colour,
                linestyle=dash,
                linewidth=1.2,
                alpha=0.85,
                label=None if variant in named else variant,
            )
            named.add(variant)
        axes.set(xlabel="optimizer step", ylabel=label)
        axes.grid(alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
        if len(named) <= 12:
            axes.legend(fontsize=8, frameon=False)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _of_the_page(stream.getvalue())


def _of_the_page(svg: str) -> str:
    """Without a header, as wide as its place, with black as the page's own ink; ids are told apart by the caller."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("#000000", "currentColor").replace("stroke: #b0b0b0", "stroke: currentColor")


def unique(figures_made: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each figure with ids of its own: several stand in one page."""
    for place, figure in enumerate(figures_made):
        svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>f{place}-", figure["svg"])
        yield {**figure, "svg": svg}
