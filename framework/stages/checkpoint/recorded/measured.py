"""Measured figures, against the checkpoint that was measured and against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any

from framework.planning.steps import Measure
from framework.stages.checkpoint.recorded.contradiction import Contradiction, is_weight, real
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

_UNITS = {
    "parameters": "parameters",
    "trainable_parameters": "parameters",
    "nonzero_parameters": "parameters",
    "flops": "FLOP/token",
    "latency": "ms/token",
    "throughput": "tokens/s",
    "peak_memory": "bytes",
    "energy": "J/token",
}


def contradictions(context: EvidenceContext, observed: Observed) -> Iterator[Contradiction]:
    assert observed.run is not None
    work = observed.step.work
    assert isinstance(work, Measure)
    unstated = context.experiment.by_path.get(("measurements", work.name, "precision")) is None
    for index, fact in enumerate(observed.run.record.measurements):
        place, quantity = f"measurements.{index}", fact.get("quantity")
        value = real(fact.get("value"))
        unit = _UNITS.get(str(quantity))
        if unit is not None and fact.get("unit") not in (None, unit):
            yield Contradiction(
                f"{place}.unit", f"{quantity} in {fact['unit']}, and it is taken in {unit}", unit, fact["unit"]
            )
        precision = fact.get("precision") if unstated else None
        if precision is not None and precision != work.measurement.precision:
            message = f"{quantity} was measured in {precision}, its step says {work.measurement.precision}"
            yield Contradiction(f"{place}.precision", message, work.measurement.precision, precision)
        if value is None:
            continue
        expected = _expected(context, observed, work, str(quantity), fact)
        if expected is not None and value != expected:
            message = f"{quantity} is {value:,.0f}, the measured checkpoint has {expected:,}"
            yield Contradiction(f"{place}.value", message, expected, fact["value"])
        yield from _follows(place, str(quantity), value, fact)


def _expected(
    context: EvidenceContext, observed: Observed, work: Measure, quantity: str, fact: dict[str, Any]
) -> int | None:
    """What the checkpoint that is there has of a quantity; None where it cannot be counted in it."""
    parent = context.related.parent(observed)
    if parent is None or parent.run is None:
        return None
    if quantity == "trainable_parameters":
        found = parent.run.record.parameters.get("trainable")
        return found if type(found) is int else None
    try:
        tensors = parent.tensors
        weights = {name: each for name, each in tensors.tensors.items() if is_weight(each)}
        total = sum(tensor.elements for tensor in weights.values())
        if quantity == "parameters":
            beside = fact.get("adapter") == "unmerged"
            more = parent.run.record.adapter.get("parameters") if beside else 0
            return total + more if type(more) is int else None
        if quantity == "nonzero_parameters":
            return total - sum(tensors.zeros(name) for name in weights)
    except NotRecorded:
        return None
    return None


def _follows(place: str, quantity: str, value: float, fact: dict[str, Any]) -> Iterator[Contradiction]:
    """A figure follows from its pass, and its quartiles from the seconds of all passes."""
    length, passes = real(fact.get("sequence_length")), real(fact.get("per_pass"))
    if quantity == "flops" and length and passes is not None and not math.isclose(value * length, passes, rel_tol=1e-9):
        yield Contradiction(
            f"{place}.value", f"{value} a token are no {passes} a pass of {length:.0f}", passes / length, value
        )
    seconds = [real(each) for each in fact.get("seconds") or ()]
    size, quartiles = real(fact.get("batch_size")), fact.get("quartiles")
    if None in seconds or not seconds or not length or not size or not isinstance(quartiles, list):
        return
    known = sorted(each for each in seconds if each is not None)
    if quantity not in ("latency", "throughput") or known[0] <= 0:
        return

    def figure(each: float) -> float:
        return 1000 * each / length if quantity == "latency" else size * length / each

    expected = sorted(map(figure, _quartiles(known)))
    if not (
        len(quartiles) == 2
        and all(math.isclose(one, float(other), rel_tol=1e-9) for one, other in zip(expected, quartiles, strict=True))
    ):
        yield Contradiction(
            f"{place}.quartiles", f"its passes give the quartiles {expected}, not {quartiles}", expected, quartiles
        )
    if not math.isclose(value, figure(float(median(known))), rel_tol=1e-9):
        yield Contradiction(f"{place}.value", f"{quantity} is {value}, its passes give {figure(float(median(known)))}")


def _quartiles(seconds: list[float]) -> tuple[float, float]:
    """The first and the third, by linear interpolation."""
    if len(seconds) < 2:
        return seconds[0], seconds[0]
    low, _, high = quantiles(seconds, n=4, method="inclusive")
    return low, high
