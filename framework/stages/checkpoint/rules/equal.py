"""Variants that must have equally many parameters, and whose saved models do not."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.stages.manifest.likeness import near
from framework.stages.run.matched_runs import finals_of, paired
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed
from framework.stages.run.rules.equal import equalities, told

UNEQUAL = Rule(
    "T113", "unequal", Severity.ERROR, Stage.CHECKPOINT, "saved models that must have equally many parameters do not"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for clause, spec in equalities(context):
        if "parameters" not in spec.of:
            continue
        finals = finals_of(context, spec.variants)
        if not all(finals):
            yield context.judge.unverified(clause, context.stage, "not planned for all its variants")
        for pair in paired(finals):
            absent = next((each.absent for each in pair if each.run is None), None)
            if absent is not None:
                yield context.judge.unverified(clause, context.stage, absent)
                continue
            try:
                seen = near(_elements(pair[0]), _elements(pair[1]), spec.within)
            except NotRecorded as missing:
                yield context.judge.unverified(clause, context.stage, str(missing))
                continue
            yield told(context, UNEQUAL, clause, "parameters", pair, seen)


def _elements(observed: Observed) -> int:
    return sum(tensor.elements for tensor in observed.tensors.tensors.values())
