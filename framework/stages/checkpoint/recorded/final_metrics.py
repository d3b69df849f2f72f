"""Final metrics: possible values, that follow from each other and from the evaluations that a hash covers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from framework.evidence.record import EVENTS, VALIDATION
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts, alike, real, whole
from framework.stages.run.observed import Observed

_SHARES = ("accuracy", "f1", "majority_share", "exact_match")
_FROM_ZERO = ("loss", "validation_loss", "initial_validation_loss", "loss_before_merge", "loss_after_merge")
RESULT = "result"
"""The event that holds the final metrics, where the file's hash covers them."""
_LOSS = "loss"
_FEW = 4096
"""Examples up to which all the values that F1 can have are gone through."""


def contradictions(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """Of a run that the built-in runners made."""
    assert observed.run is not None
    metrics = observed.run.record.metrics
    yield from possible(metrics, "metrics", facts)
    loss = metrics.get("validation_loss")
    yield from facts.alike(("metrics", "loss_after_merge"), loss, "the loss of the merged model is")
    events = observed.events
    for number, line in enumerate(events, 1):
        if line.get("event") in ("evaluation", VALIDATION):
            yield from possible(line, f"{EVENTS}:{number}", facts)
    yield from facts.alike(("observed", "events"), len(events), f"{EVENTS} has")
    results = [line for line in events if line.get("event") == RESULT]
    if len(results) != 1 and (results or facts("observed", "events") is not None):
        yield Contradiction(EVENTS, f"{EVENTS} holds {len(results)} lines with the final metrics, not one")
    result = results[0] if results else None
    if result is not None:
        yield from _as_hashed(metrics, {name: value for name, value in result.items() if name != "event"})
    elif not observed.run.record.adapter and (kept := _kept(events, facts)) is not None:
        stated = {"validation_loss" if name == _LOSS else name: value for name, value in kept.items()}
        for name in stated.keys() & metrics.keys():
            # The model is measured once more after its best state is restored: the same figures, in the same order.
            if not math.isclose(metrics[name], stated[name], rel_tol=1e-6, abs_tol=1e-9):
                yield Contradiction(
                    f"metrics.{name}",
                    f"{name} is {metrics[name]}, its best evaluation has {stated[name]}",
                    stated[name],
                    metrics[name],
                )


def possible(metrics: Mapping[str, Any], place: str, facts: Facts) -> Iterator[Contradiction]:
    """Whether figures can be what they are called."""
    for name, value in metrics.items():
        number = real(value)
        if number is None:
            continue
        at = f"{place}.{name}"
        if not math.isfinite(number):
            yield Contradiction(at, f"{name} is {number}, no number", None, str(number))
        elif name in _SHARES and not 0 <= number <= 1:
            yield Contradiction(at, f"{name} is {number}, no share", None, number)
        elif (name in _FROM_ZERO or name.startswith("max_")) and number < 0:
            yield Contradiction(at, f"{name} is {number}, below zero", None, number)
        elif name == "perplexity" and number < 1:
            yield Contradiction(at, f"a perplexity of {number}: none is below 1", None, number)
    yield from _perplexity(metrics, place)
    yield from _counted(metrics, place, facts)


def _perplexity(metrics: Mapping[str, Any], place: str) -> Iterator[Contradiction]:
    loss, perplexity = real(metrics.get("validation_loss", metrics.get(_LOSS))), real(metrics.get("perplexity"))
    if loss is None or perplexity is None or not math.isfinite(loss) or loss > 700:
        return
    if not math.isclose(perplexity, math.exp(loss), rel_tol=1e-6):
        message = f"perplexity is {perplexity:.6g}, the exponential of its loss {math.exp(loss):.6g}"
        yield Contradiction(f"{place}.perplexity", message, math.exp(loss), perplexity)


def _counted(metrics: Mapping[str, Any], place: str, facts: Facts) -> Iterator[Contradiction]:
    """Shares of the validation examples are whole numbers of them; F1 of two classes is 2 h / n for whole numbers."""
    examples = whole(facts("data", "validation_examples"))
    if not examples:
        return
    for name in ("accuracy", "majority_share"):
        number = real(metrics.get(name))
        if (
            number is not None
            and math.isfinite(number)
            and abs(number * examples - round(number * examples)) > 1e-6 * examples
        ):
            message = f"{name} is {number:.6g}, which is no whole number of {examples} examples"
            yield Contradiction(f"{place}.{name}", message, None, number)
    classes, f1 = facts("data", "classes"), real(metrics.get("f1"))
    two = isinstance(classes, list) and len(classes) == 2 and examples <= _FEW
    if f1 is None or not two or not 0 < f1 < 1:
        return
    if not any(_near_whole(f1 * total / 2) for total in range(1, 2 * examples + 1)):
        yield Contradiction(f"{place}.f1", f"f1 is {f1:.6g}, which no counts of {examples} examples give", None, f1)


def _near_whole(value: float) -> bool:
    return value > 0.5 and abs(value - round(value)) < 1e-9 * max(1.0, value)


def _as_hashed(metrics: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Contradiction]:
    for name in sorted(metrics.keys() | result.keys()):
        if not alike(metrics.get(name), result.get(name)):
            message = f"{name} is {metrics.get(name)}, and {EVENTS} says {result.get(name)}"
            yield Contradiction(f"metrics.{name}", message, result.get(name), metrics.get(name))


def _kept(events: list[dict[str, Any]], facts: Facts) -> dict[str, float] | None:
    """The figures of the evaluation whose state was kept, where early stopping kept one."""
    evaluations = [line for line in events if line.get("event") == "evaluation"]
    epoch = whole(facts("observed", "best", "epoch"))
    if epoch is None or not 1 <= epoch <= len(evaluations):
        return None
    found = {name: real(value) for name, value in evaluations[epoch - 1].items() if name not in ("step", "epoch")}
    return {name: value for name, value in found.items() if value is not None}
