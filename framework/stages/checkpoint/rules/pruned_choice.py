"""Which weights a pruning zeroed: recomputed from the checkpoint before it, where weights and seed decide."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.tensors import FlatTensors
from framework.manifest.clauses import Clause
from framework.manifest.sections.methods import Prune
from framework.stages.checkpoint.recomputed.lowest_scores import RECOMPUTED, misplaced
from framework.stages.checkpoint.recomputed.pruned_channels import misplaced_channels
from framework.stages.checkpoint.remembered_answers import CHOICE_OF
from framework.stages.checkpoint.starting_checkpoint import starting_tensors
from framework.stages.checkpoint.zeros import masks_of, pruned_tensors
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

CHOICE = Rule(
    "T103", "pruned-choice", Severity.ERROR, Stage.CHECKPOINT, "other weights were zeroed than the declared score says"
)
_CLAUSES = ("score", "structure", "scope")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if isinstance(work := observed.step.work, Prune):
            for place in observed.step.places:
                below = context.experiment.below((*place, "prune"))
                clauses = [each for each in below if each.path[-1] in _CLAUSES]
                if clauses:
                    yield from _held(context, observed, work, clauses)


def _held(context: EvidenceContext, observed: Observed, work: Prune, clauses: list[Clause]) -> Iterator[Verdict]:
    if observed.run is None:
        yield from (context.judge.unverified(clause, context.stage, observed.absent) for clause in clauses)
        return
    where = observed.place("masks.safetensors")
    try:
        found = _misplaced(context, observed, work)
    except NotRecorded as missing:
        yield from (context.judge.unverified(clause, context.stage, str(missing)) for clause in clauses)
        return
    for clause in clauses:
        if found is None:
            said = "the lowest scores went, recomputed from the checkpoint before"
            yield context.judge.conforms(clause, context.stage, said, where.file)
        else:
            yield context.violated(CHOICE, clause, f"{observed.step.label}: {found}", where=where)


def _misplaced(context: EvidenceContext, observed: Observed, work: Prune) -> str | None:
    step = observed.step
    if work.score not in RECOMPUTED:
        raise NotRecorded(f"{work.score} depends on calibration data, and is not recomputed here")
    if work.structure in ("head", "output"):
        raise NotRecorded(f"which {work.structure}s have the lowest scores is not recomputed here")
    masks = masks_of(observed)
    names = pruned_tensors(observed, masks)
    before: FlatTensors
    parent = context.related.parent(observed)
    if parent is None:
        before = starting_tensors(observed, context.experiment.root, masks, names)
    elif parent.run is None:
        raise NotRecorded(parent.absent)
    else:
        before = parent.tensors
    if CHOICE_OF in observed.known:
        found: str | None = observed.known[CHOICE_OF]
        return found
    recompute = misplaced_channels if work.structure == "channel" else misplaced
    return recompute(before, masks, names, work, step.seed, step.model.family)
