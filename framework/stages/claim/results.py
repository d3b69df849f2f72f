"""The results that a claim names, looked up in what the runs recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.manifest.assertions.calls import SETTINGS, Call
from framework.manifest.hyperparameters import held
from framework.manifest.sections.measurements import QUANTITIES

if TYPE_CHECKING:
    from framework.stages.run.observed import Observed


class Ambiguous(Exception):
    """Several results have that name; the message says how they are told apart."""


def result_of(call: Call, steps: Sequence[Observed], model: str, seed: int) -> float:
    """The result of one model and seed: a training's metric by the last step of the variant that recorded it.

    Raises:
        LookupError: there is none.
        Ambiguous: there are several.
    """
    runs = [each for each in steps if each.run is not None and each.counts and _is_of(call, each, model, seed)]
    if call.metric in QUANTITIES:
        return _measured(call, runs)
    for exactly in (True, False):
        values = {
            each.step.task: value
            for each in runs
            if each.run is not None and (value := _recorded(call.metric, each.run.record.metrics, exactly)) is not None
        }
        if not values:
            continue
        tasks = [task for task in values if task is not None]
        if len(tasks) > 1:
            raise Ambiguous(f"{call.metric} of {call.variant} was recorded for {', '.join(tasks)}: name the task")
        return next(reversed(values.values()))
    raise LookupError(call.metric)


def _recorded(metric: str, metrics: Mapping[str, float], exactly: bool) -> float | None:
    return metrics.get(metric) if exactly else held(metric, metrics)


def _is_of(call: Call, observed: Observed, model: str, seed: int) -> bool:
    step = observed.step
    return (
        call.variant in step.variants
        and step.model_name == model
        and step.seed == seed
        and call.task in (None, step.task)
    )


def _measured(call: Call, runs: Sequence[Observed]) -> float:
    found = {
        tuple(place.items()): value
        for each in runs
        for place, value in _values(each, call.metric)
        if all(str(place.get(name)) == stated for name, stated in call.settings.items())
    }
    if not found:
        raise LookupError(call.metric)
    if len(set(found.values())) > 1:
        differing = {
            name: sorted({str(dict(place)[name]) for place in found})
            for name in ("task", *SETTINGS)
            if len({dict(place)[name] for place in found}) > 1
        }
        listed = "; ".join(f"{name} {', '.join(values)}" for name, values in differing.items())
        raise Ambiguous(f"{call.metric} of {call.variant} was measured for {listed}: say which")
    return next(iter(found.values()))


def _values(observed: Observed, quantity: str) -> Iterator[tuple[dict[str, Any], float]]:
    """The figures of one quantity that a measuring step recorded, and where each was taken."""
    from framework.planning.steps import Measure  # a check of configs does without it

    work = observed.step.work
    if not isinstance(work, Measure) or observed.run is None:
        return
    for facts in observed.run.record.measurements:
        value = facts.get("value")
        if facts.get("quantity") == quantity and isinstance(value, (int, float)):
            place = {name: facts.get(name) for name in SETTINGS[1:]}
            yield {"task": observed.step.task, "measurement": work.name, **place}, float(value)
