"""Sparsity as it is on disk: masked weights stay exactly zero, pruning zeroed exactly what was asked."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.sections.methods import Prune, SameAs
from framework.planning.steps import Training
from framework.stages.checkpoint.recomputed.pruned_weights import demanded_zeros
from framework.stages.checkpoint.zeros import masked_weights, masks_of, returned_weights, zeros_of
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

RETURNED = Rule(
    "T101", "masked-weight-returned", Severity.ERROR, Stage.CHECKPOINT, "a masked weight is not zero in the saved model"
)
PRUNED = Rule(
    "T102", "pruned-count", Severity.ERROR, Stage.CHECKPOINT, "pruning zeroed another number of weights than asked"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        source = _source(context, observed)
        if source is None:
            continue
        stated = [clause for place in source.step.places for clause in context.experiment.below(place)]
        clauses = [clause for clause in stated if {"mask", "prune"} & set(clause.path)]
        yield from _returned(context, observed, clauses)
        if source is observed and isinstance(observed.step.work, Prune):
            yield from _pruned(context, observed, observed.step.work, clauses)


def _source(context: EvidenceContext, observed: Observed) -> Observed | None:
    """The step that made the mask which a step's model must hold: itself, or the nearest one before it."""
    at: Observed | None = observed
    while at is not None:
        work = at.step.work
        if isinstance(work, Prune) or (isinstance(work, Training) and work.mask is not None):
            return at
        at = context.related.parent(at)
    return None


def _returned(context: EvidenceContext, observed: Observed, clauses: list[Clause]) -> Iterator[Verdict]:
    if observed.run is None:
        for clause in clauses:
            yield context.judge.unverified(clause, context.stage, observed.absent)
        return
    try:
        returned = returned_weights(observed)
        masked = masked_weights(observed)
    except NotRecorded as missing:
        for clause in clauses:
            yield context.judge.unverified(clause, context.stage, str(missing))
        return
    where = observed.place("model/model.safetensors")
    for clause in clauses:
        if returned:
            name, count, first = returned[0]
            total = sum(found[1] for found in returned)
            message = (
                f"{observed.step.label}: {total} of {masked} masked weights are not zero in the saved model; "
                f"{count} in {name}, the first at index {first}"
            )
            yield context.violated(RETURNED, clause, message, 0, total, where)
        else:
            yield context.judge.conforms(
                clause, context.stage, f"{masked} masked weights, all exactly zero", where.file
            )


def _demanded(context: EvidenceContext, observed: Observed, work: Prune, own: dict[str, int]) -> int:
    """How many weights had to become zero.

    Raises:
        NotRecorded: the checkpoint that says so is not there, or the run did not say how it rounded to whole channels.
    """
    if not isinstance(work.sparsity, SameAs):
        return demanded_zeros(observed, work, masks_of(observed), own, work.sparsity)
    reference = context.related.of(observed.step.references["same_as"], work.sparsity.same_as)
    if reference.run is None:
        raise NotRecorded(reference.absent)
    return sum(zeros_of(reference).values())


def _pruned(context: EvidenceContext, observed: Observed, work: Prune, clauses: list[Clause]) -> Iterator[Verdict]:
    stated = [clause for clause in clauses if "sparsity" in clause.path]
    if observed.run is None:
        return
    where = observed.place("model/model.safetensors")
    try:
        own = zeros_of(observed)
        demanded = _demanded(context, observed, work, own)
    except NotRecorded as missing:
        yield from (context.judge.unverified(clause, context.stage, str(missing)) for clause in stated)
        return
    zeroed = sum(own.values())
    for clause in stated:
        if zeroed == demanded:
            yield context.judge.conforms(clause, context.stage, f"{zeroed:,} zeros, exactly as asked", where.file)
        else:
            message = f"{observed.step.label}: {zeroed:,} zeros in the pruned tensors, not {demanded:,}"
            yield context.violated(PRUNED, clause, message, demanded, zeroed, where)
