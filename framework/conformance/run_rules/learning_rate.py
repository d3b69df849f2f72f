"""The learning rate of every optimizer step, against the declared schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator

from framework.conformance.expected import learning_rate_at, optimizer_steps
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.observing import EvidenceContext, NotRecorded
from framework.evidence.record import STEPS

TRACE = Rule(
    "R110", "learning-rate-trace", Severity.ERROR, Stage.RUN, "a step was made with another learning rate than declared"
)

_RELATIVE = 1e-6
"""Schedulers multiply in double precision in another order than the formula."""
_FACTS = ("optimizer.learning_rate", "schedule.name", "schedule.warmup", "schedule.min_learning_rate")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        clauses = [clause for fact in _FACTS if (clause := context.clause(observed.step, fact))]
        if observed.run is None or not observed.trace:
            reason = observed.absent if observed.run is None else "the run recorded no steps"
            yield from (context.judge.unverified(clause, context.stage, reason) for clause in clauses)
            continue
        try:
            total = optimizer_steps(work.phase, observed.recorded("observed", "train_examples"))
        except NotRecorded as missing:
            yield from (context.judge.unverified(clause, context.stage, str(missing)) for clause in clauses)
            continue
        wrong = None
        for line in observed.trace:
            demanded = learning_rate_at(work.phase, line["step"], total)
            if not math.isclose(line["learning_rate"], demanded, rel_tol=_RELATIVE, abs_tol=1e-15):
                wrong = (line, demanded)
                break
        for clause in clauses:
            if wrong is None:
                reason = f"{len(observed.trace)} steps follow the declared schedule"
                yield context.judge.conforms(clause, context.stage, reason, observed.place(STEPS).file)
                continue
            line, demanded = wrong
            used = f"step {line['step']} of {total} used {line['learning_rate']:g}, not {demanded:g}"
            message = f"{observed.step.label}: {used}"
            where = observed.place(STEPS, line["step"])
            yield context.violated(TRACE, clause, message, demanded, line["learning_rate"], where)
