"""Loss and learning rate over the optimizer steps: one line for each run, in the colour of its variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from framework.errors import InputError
from framework.evidence.record import EVENTS, VALIDATION, read_lines
from framework.planning.steps import Training
from framework.stages.run.observed import Observed
from framework.stages.verify import VerifyResult
from reports.figures.drawn_figures import Figure, Style, dressed, legend, plain_axes

_POINTS, _MOST_LINES, _MOST_PHASES = 160, 40, 4
_LOSSES = ("loss", "validation_loss")

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Line:
    """One run: its training loss and learning rate by optimizer step, and its validation loss where it was measured."""

    variant: str
    loss: Points
    rate: Points
    validation: Points


def curves(result: VerifyResult, styles: dict[str, Style]) -> Iterator[Figure]:
    """Two figures for each phase, task and model that ran, where there is something to show."""
    found: dict[tuple[str, str, str], list[Observed]] = {}
    for observed in result.steps:
        step = observed.step
        if observed.run is not None and isinstance(step.work, Training):
            found.setdefault((step.name, step.task or "", step.model_name), []).append(observed)
    for place, members in list(found.items())[:_MOST_PHASES]:
        title = " · ".join(part for part in place if part)
        name = ".".join(part for part in place if part)
        lines = [_line(each) for each in members[:_MOST_LINES]]
        left = f"; {len(members) - _MOST_LINES} more runs are not drawn" if len(members) > _MOST_LINES else ""
        if losses := [line for line in lines if len(line.loss) > 1]:
            measured = any(line.validation for line in losses)
            note = f"{'training and validation' if measured else 'training'} loss, {len(losses)} runs{left}"
            size = (9.6, 3.3) if measured else (6.4, 3.3)
            yield Figure(f"loss.{name}", title, note, partial(_draw_losses, losses, styles), size)
        if rates := [line for line in lines if len(line.rate) > 1]:
            note = f"learning rate as it was used, {len(rates)} runs{left}"
            yield Figure(f"learning_rate.{name}", title, note, partial(_draw_rates, rates, styles))


def _line(observed: Observed) -> _Line:
    try:
        lines = observed.trace
    except (InputError, OSError):
        lines = []
    stride = max(1, len(lines) // _POINTS)
    kept = [line for place, line in enumerate(lines) if place % stride == 0 or place == len(lines) - 1]
    steps = [line for line in kept if isinstance(line.get("step"), int)]
    loss = [(line["step"], line["loss"]) for line in steps if isinstance(line.get("loss"), int | float)]
    rate = [
        (line["step"], line["learning_rate"]) for line in steps if isinstance(line.get("learning_rate"), int | float)
    ]
    last = max((step for step, _ in loss), default=0)
    return _Line(observed.step.variant, loss, rate, _validation(observed, last))


def _validation(observed: Observed, last: int) -> Points:
    """Before training, at each evaluation on the way, and at the end."""
    assert observed.run is not None
    metrics = observed.run.record.metrics
    try:
        events = [
            each for each in read_lines(observed.run.folder / EVENTS) if each.get("event") in ("evaluation", VALIDATION)
        ]
    except (InputError, OSError):
        events = []
    found = {each["step"]: each["loss"] for each in events if {"step", "loss"} <= each.keys()}
    for step, name in ((0, "initial_validation_loss"), (last, "validation_loss")):
        if name in metrics and last:
            found.setdefault(step, metrics[name])
    return sorted((float(step), float(loss)) for step, loss in found.items())


def _draw_losses(lines: Sequence[_Line], styles: dict[str, Style], canvas: Any) -> None:
    """Training and validation side by side on one scale; only the first where the second was not measured."""
    measured = any(line.validation for line in lines)
    panels = canvas.subplots(1, 2, sharey=True, squeeze=False)[0] if measured else [canvas.add_subplot()]
    dressed(panels[0], "optimizer step", "loss (nats)").set_title("training", fontsize=9)
    named: set[str] = set()
    for line in lines:
        style = styles.get(line.variant, Style())
        label = None if line.variant in named else line.variant
        panels[0].plot(*zip(*line.loss, strict=True), **style.line, linewidth=1.1, alpha=0.85, label=label)
        if line.validation:
            marks = {**style.line, "marker": style.marker, "markersize": 4, "linewidth": 0.8, "label": label}
            panels[1].plot(*zip(*line.validation, strict=True), **marks)
        named.add(line.variant)
    if measured:
        dressed(panels[1], "optimizer step", "").set_title("validation, where it was measured", fontsize=9)
    legend(panels[-1], len(named))


def _draw_rates(lines: Sequence[_Line], styles: dict[str, Style], canvas: Any) -> None:
    axes = plain_axes(canvas, "optimizer step", "learning rate")
    drawn: dict[tuple[Any, ...], str] = {}
    for line in lines:  # of those that used the same only the first: one line would hide the others
        drawn.setdefault(tuple(line.rate), line.variant)
    for points, variant in drawn.items():
        others = len({line.variant for line in lines if tuple(line.rate) == points}) - 1
        label = variant + (f" and {others} more" if others else "")
        axes.plot(*zip(*points, strict=True), **styles.get(variant, Style()).line, linewidth=1.3, label=label)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useOffset=False)
    legend(axes, len(drawn))
