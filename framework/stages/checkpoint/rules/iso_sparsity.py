"""Iso-sparsity is an integer statement: equal numbers of zeros over the same tensors."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.sections.statements import IsoSparsity
from framework.stages.checkpoint.zeros import zeros_of
from framework.stages.run.matched_runs import finals_of, paired
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

UNEQUAL = Rule("T110", "iso-sparsity", Severity.ERROR, Stage.CHECKPOINT, "variants that must be equally sparse are not")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for index, rule in enumerate(context.experiment.manifest.rules):
        kind, spec = rule.chosen
        if isinstance(spec, IsoSparsity):
            clauses = context.experiment.below(("rules", index, kind))
            yield from _held(context, spec, clauses)


def _held(context: EvidenceContext, spec: IsoSparsity, clauses: list[Clause]) -> Iterator[Verdict]:
    finals = finals_of(context, spec.variants)
    pairs = list(paired(finals))
    if not pairs or not all(finals):
        yield from (
            context.judge.unverified(clause, context.stage, "not planned for all its variants") for clause in clauses
        )
    for one, other in pairs:
        for clause in clauses:
            yield _pair(context, spec, clause, one, other)


def _pair(context: EvidenceContext, spec: IsoSparsity, clause: Clause, one: Observed, other: Observed) -> Verdict:
    for observed in (one, other):
        if observed.run is None:
            return context.judge.unverified(clause, context.stage, observed.absent)
    try:
        first, second = zeros_of(one), zeros_of(other)
    except NotRecorded as missing:
        return context.judge.unverified(clause, context.stage, str(missing))
    names = f"{one.step.label} and {other.step.label}"
    where = other.place("model/model.safetensors")
    if set(first) != set(second):
        only = sorted(set(first) ^ set(second))
        message = f"{names} are masked over different tensors: {only[0]} is in one of them ({len(only)} such)"
        return context.violated(UNEQUAL, clause, message, sorted(first), sorted(second), where)
    if spec.scope == "layer":
        apart = [name for name in first if first[name] != second[name]]
        if apart:
            name = apart[0]
            message = f"{names}: {first[name]:,} and {second[name]:,} zeros in {name} ({len(apart)} tensors differ)"
            return context.violated(UNEQUAL, clause, message, first[name], second[name], where)
    total, found = sum(first.values()), sum(second.values())
    if total != found:
        message = f"{names}: {total:,} and {found:,} zeros over the same {len(first)} tensors"
        return context.violated(UNEQUAL, clause, message, total, found, where)
    return context.judge.conforms(clause, context.stage, f"{total:,} zeros each, over {len(first)} tensors", where.file)
