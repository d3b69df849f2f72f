"""What a step should not have changed is its parent's, bit for bit; and no saved weight is no number."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.sections.methods import Prune
from framework.planning.steps import Training
from framework.stages.checkpoint.recomputed.finite import not_finite
from framework.stages.checkpoint.recomputed.kept_weights import Changed, compared
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

CHANGED = Rule(
    "T104",
    "tensor-changed",
    Severity.ERROR,
    Stage.CHECKPOINT,
    "a tensor that a step should not have changed is not its parent's",
)
NOT_FINITE = Rule(
    "T105", "weight-not-finite", Severity.ERROR, Stage.CHECKPOINT, "a saved weight is infinite or not a number"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if observed.run is None:
            continue
        yield from _finite(observed)
        if observed.step.parent is not None and not observed.logged:
            yield from _unchanged(context, observed)


def _finite(observed: Observed) -> Iterator[Finding]:
    try:
        tensors = observed.tensors.tensors
    except NotRecorded:
        return
    found = not_finite(observed)
    for name in tensors:
        if name in found:
            message = (
                f"{observed.step.label}: {found[name]} of {tensors[name].elements} weights of {name} are infinite or "
                "no number"
            )
            yield Finding(NOT_FINITE, message, location=observed.place("model/model.safetensors"))


def _unchanged(context: EvidenceContext, observed: Observed) -> Iterator[Verdict | Finding]:
    parent = context.related.parent(observed)
    assert parent is not None
    clauses = _clauses(context, observed)
    if parent.run is None:
        yield from (context.judge.unverified(clause, context.stage, parent.absent) for clause in clauses)
        return
    where = observed.place("model/model.safetensors")
    try:
        count = compared(observed, parent)
    except NotRecorded as missing:
        yield from (context.judge.unverified(clause, context.stage, str(missing)) for clause in clauses)
    except Changed as problem:
        message = f"{observed.step.label}: {problem}"
        yield from (context.violated(CHANGED, clause, message, where=where) for clause in clauses)
        if not clauses:
            yield Finding(CHANGED, message, location=where)
    else:
        if count:
            reason = f"{count} tensors that it should not change are its parent's, bit for bit"
            yield from (context.judge.conforms(clause, context.stage, reason, where.file) for clause in clauses)


def _clauses(context: EvidenceContext, observed: Observed) -> list[Clause]:
    """The clauses that say what the step changes: all others it leaves."""
    work = observed.step.work
    if isinstance(work, Prune):
        return [each for place in observed.step.places for each in context.experiment.below((*place, "prune"))]
    if isinstance(work, Training) and work.adapter is not None:
        step = observed.step
        own = [each for place in step.places for each in context.experiment.below((*place, step.name, "adapter"))]
        return own or context.clauses_below(step, "adapter")
    return []
