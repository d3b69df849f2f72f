"""What was measured of the checkpoints: one row for each figure, with its unit, its passes and its machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.planning.machines.machine import said
from framework.planning.steps import Measure
from framework.stages.run.measured_runs import machine_of
from framework.stages.verify import VerifyResult

Facts = dict[str, Any]


def measurement_rows(result: VerifyResult) -> Iterator[dict[str, str]]:
    """Rows in the plan's order. A figure that is missing says why in the place of a number."""
    for observed in result.steps:
        work, run = observed.step.work, observed.run
        if not isinstance(work, Measure) or run is None:
            continue
        for facts in run.record.measurements:
            yield {
                "variants": ", ".join(observed.step.variants),
                "task": observed.step.task or "-",
                "model": observed.step.model_name,
                "seed": str(observed.step.seed),
                "quantity": str(facts.get("quantity", "-")).replace("_", " "),
                "adapter": facts.get("adapter") or "-",
                "batch": _number(facts.get("batch_size")),
                "length": _number(facts.get("sequence_length")),
                "value": value_of(facts),
                "spread": " to ".join(_number(each) for each in facts.get("quartiles") or ()) or "-",
                "passes": _passes(facts),
            }


def machines(result: VerifyResult) -> list[str]:
    """The machine of all these figures (:mod:`framework.stages.run.measured_runs`), with the threads that computed."""
    found = []
    for observed in result.steps:
        if isinstance(observed.step.work, Measure) and observed.run is not None:
            threads = observed.run.record.environment.get("hardware", {}).get("threads")
            machine = said(machine_of(observed.run.record.identity) or {})
            found.append(machine + (f"; {threads} threads" if threads else ""))
    return list(dict.fromkeys(found))


def counted(result: VerifyResult) -> list[str]:
    """What the quantities count that their names do not say, each once."""
    found: dict[tuple[str, str], None] = {}
    for observed in result.steps:
        for facts in observed.run.record.measurements if observed.run is not None else ():
            if "what" in facts:
                found[str(facts.get("quantity")).replace("_", " "), facts["what"]] = None
    return [f"{quantity}: {what}" for quantity, what in found]


def value_of(facts: Facts) -> str:
    """A figure with its unit, or why there is none."""
    if facts.get("value") is None:
        return f"missing: {facts.get('missing', 'no reason is recorded')}"
    unit = facts.get("unit", "")
    return _number(facts["value"]) + (f" {unit}" if unit and unit != "parameters" else "")


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _passes(facts: Facts) -> str:
    if not facts.get("seconds"):
        return "-"
    return f"median of {len(facts['seconds'])} after {facts.get('warmup')}, {facts.get('precision')}"
