"""Adapters that were put in and never trained."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.stages.run.observed import EvidenceContext, recorded

DEAD = Rule(
    "R144", "dead-adapter", Severity.ERROR, Stage.RUN, "an adapter's gradient was zero at every step of its training"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if work.adapter is None:
            continue
        name, _ = work.adapter.chosen
        stated = context.clause(observed.step, f"adapter.{name}.targets")
        for fact in ("rank", "importance"):
            stated = stated or context.clause(observed.step, f"adapter.{name}.{fact}")
        yield from context.hold(DEAD, observed, stated, [], recorded("adapter", "dead"), "adapters without a gradient")
