"""Measurements as they were made: what of which checkpoint, over how many passes, and whether the figure follows from
them. It is computed a second time here, from the seconds of each pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.manifest.clauses import Clause
from framework.manifest.sections.measurements import TIMED, UNMEASURED, Measurement
from framework.planning.steps import Measure
from framework.stages.run.observed import EvidenceContext, Observed

MEASUREMENT = Rule(
    "R160", "measurement", Severity.ERROR, Stage.RUN, "a measurement was made otherwise than declared, or not at all"
)

Point = tuple[str, str | None, int | None, int | None]
"""Quantity, state of the adapters, batch size, sequence length: None where it does not depend on one."""
Facts = dict[str, Any]
Hold = Callable[[Measurement, dict[Point, Facts], list[Point]], str | None]
"""What is wrong with the recorded points, held to the declared measurement and the points that it demands; or None."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.measures:
        work = observed.step.work
        assert isinstance(work, Measure)
        for clause in context.experiment.below(("measurements", work.name)):
            if clause.effective is None:
                continue
            if observed.run is None:
                yield context.judge.unverified(clause, context.stage, f"not run: {observed.step.label}")
            else:
                yield _held(context, observed, work, clause)


def points(work: Measure) -> list[Point]:
    """Every single figure that a measuring step must give."""
    spec = work.measurement
    adapted = work.training is not None and work.training.adapter is not None
    found: list[Point] = []
    for state in spec.adapters if adapted else [None]:
        for quantity in spec.measure:
            if (quantity, state) == UNMEASURED:
                continue
            if quantity.endswith("parameters"):
                found.append((quantity, state, None, None))
            elif quantity == "flops":
                found += [(quantity, state, None, length) for length in spec.sequence_lengths]
            else:
                found += [
                    (quantity, state, size, length) for size in spec.batch_sizes for length in spec.sequence_lengths
                ]
    return found


def _held(context: EvidenceContext, observed: Observed, work: Measure, clause: Clause) -> Verdict:
    """One clause of a measurement against what its run recorded."""
    assert observed.run is not None
    recorded = {_point(facts): facts for facts in observed.run.record.measurements}
    demanded = points(work)
    where, name = observed.place(), str(clause.path[2])
    hold = _CLAUSES.get(name)
    wrong = hold(work.measurement, recorded, demanded) if hold else None
    if wrong is not None:
        message = f"{observed.step.label}: {wrong}"
        return context.violated(MEASUREMENT, clause, message, clause.effective, wrong, where)
    missing = [(point, recorded[point]) for point in demanded if name == "measure" and recorded[point]["value"] is None]
    if missing:
        point, facts = missing[0]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        reason = f"no {_said(point)}: {facts.get('missing', 'no reason is recorded')}{more}"
        return context.judge.unverified(clause, context.stage, reason, where.file)
    return context.judge.conforms(clause, context.stage, f"{name}: {said(clause.effective)}", where.file)


def _point(facts: Facts) -> Point:
    return facts.get("quantity", ""), facts.get("adapter"), facts.get("batch_size"), facts.get("sequence_length")


def _said(point: Point) -> str:
    quantity, state, size, length = point
    return quantity + "".join(
        f", {what}" for what in (state, size and f"batch {size}", length and f"{length} tokens") if what
    )


def _all_there(spec: Measurement, recorded: dict[Point, Facts], demanded: list[Point]) -> str | None:
    """What is wrong with the figures: one that is not there, is no number, or does not follow from its passes."""
    for point in demanded:
        if point not in recorded:
            return f"{_said(point)} was not measured"
        facts = recorded[point]
        value = facts.get("value", "not there")
        if value is None:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
            return f"{_said(point)} is {value!r}, no number of at least 0"
        if point[0] in ("latency", "throughput") and not same(expected := _from_passes(point, facts), value):
            return f"{_said(point)} is {said(value)}; its passes give {said(expected)}"
    return None


def _from_passes(point: Point, facts: Facts) -> float | None:
    """The figure that the recorded seconds of each pass give."""
    quantity, _, size, length = point
    seconds = facts.get("seconds") or []
    if not seconds or not size or not length:
        return None
    middle = float(median(seconds))
    return 1000 * middle / length if quantity == "latency" else size * length / middle


def _alike(name: str, read: Callable[[Facts], Any]) -> Hold:
    """Every figure that was taken over passes must state what is declared."""

    def hold(spec: Measurement, recorded: dict[Point, Facts], demanded: list[Point]) -> str | None:
        for point in demanded:
            facts = recorded.get(point)
            if facts is None or facts.get("value") is None or point[0] not in TIMED:
                continue
            if not same(getattr(spec, name), seen := read(facts)):
                return f"{_said(point)} had {name} {said(seen)}, not {said(getattr(spec, name))}"
        return None

    return hold


def _each(index: int) -> Hold:
    """Every declared batch size (sequence length, state of adapters) must be among what was measured."""

    def hold(spec: Measurement, recorded: dict[Point, Facts], demanded: list[Point]) -> str | None:
        wanted = {point[index] for point in demanded} - {None}
        lacking = wanted - {point[index] for point in recorded}
        return f"not measured: {said(sorted(lacking, key=str))}" if lacking else None

    return hold


def _precision(spec: Measurement, recorded: dict[Point, Facts], demanded: list[Point]) -> str | None:
    seen = {facts.get("precision") for facts in recorded.values() if facts.get("sequence_length") is not None}
    return f"measured in {said(sorted(map(str, seen)))}, not in {spec.precision}" if seen - {spec.precision} else None


_CLAUSES: dict[str, Hold] = {
    "measure": _all_there,
    "batch_sizes": _each(2),
    "sequence_lengths": _each(3),
    "adapters": _each(1),
    "warmup": _alike("warmup", lambda facts: facts.get("warmup")),
    "repeats": _alike("repeats", lambda facts: len(facts.get("seconds") or [])),
    "precision": _precision,
}
