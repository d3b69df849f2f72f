"""What a file's dialect leaves open, and what its trainer does where a key is absent."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from framework.conformance.check import BoundFile, ConfigContext
from framework.conformance.lengths import totals_of
from framework.conformance.meaning import compare, said
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.targets import BATCH_PARTS, Target
from framework.locations import Location
from framework.manifest.base import Duration
from framework.manifest.clauses import Clause
from framework.names import format_path

if TYPE_CHECKING:
    from framework.dialects.model import Default

AMBIGUOUS = Rule(
    "C130",
    "ambiguous-key",
    Severity.WARNING,
    Stage.CONFIG,
    "a key that a dialect knows, and that may state several things",
)
FOREIGN = Rule(
    "C132",
    "foreign-repository",
    Severity.ERROR,
    Stage.CONFIG,
    "a file names a model or a dataset of the hub that is none of the manifest's",
)
DEFAULT = Rule(
    "C131",
    "default-differs",
    Severity.ERROR,
    Stage.CONFIG,
    "a key is absent, and what its trainer then does is not what the manifest states",
)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    for bound in context.files:
        if bound.dialect is not None:
            yield from _ambiguous(bound)
            yield from _defaults(context, bound)


def _ambiguous(bound: BoundFile) -> Iterator[Finding]:
    assert bound.dialect is not None
    for each in bound.dialect.ambiguous:
        found = bound.document.walk(each.path)
        where = bound.document.location(found[1], each.path) if found else None
        lines = " or ".join(f"`{line}`" for line in each.lines)
        if each.foreign:
            yield Finding(
                FOREIGN,
                f"{format_path(each.path)} is {said(each.word)}: {each.why}",
                actual=each.word,
                location=where,
                advice="name one of them there, or state it in the manifest; if it is about something else, list it "
                "under `ignore:`",
            )
            continue
        yield Finding(
            AMBIGUOUS,
            f"{format_path(each.path)} is not bound: {each.why}",
            actual=each.word,
            location=where,
            advice=f"write under `keys:` {lines}" if lines else "list it under `ignore:`, or rename it",
        )


def _defaults(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict]:
    assert bound.dialect is not None
    batch: dict[str, tuple[Clause, list[Default]]] = {}
    for each in bound.dialect.assumed:
        clause = each.target.clause
        if _elsewhere(context, bound, clause):
            continue
        if each.target.facet in BATCH_PARTS:
            batch.setdefault(clause.id, (clause, []))[1].append(each.default)
        else:
            yield _verdict(context, bound, each.target, each.default, each.default.value)
    for clause, defaults in batch.values():
        if not any(target.clause == clause for target in bound.targets.values()):
            size = prod(default.value for default in defaults) * context.experiment.stated.hardware.count
            yield _verdict(context, bound, Target(clause), defaults[0], size)


def _verdict(context: ConfigContext, bound: BoundFile, target: Target, default: Default, value: object) -> Verdict:
    assert bound.dialect is not None
    clause, declared = target.clause, target.declared
    trainer, file = bound.dialect.dialect.trainer, bound.document.file
    spelled = f"{file} has no {default.key}, and {trainer} takes {said(value)}"
    elsewhere = bound.document.absent.get("")
    if not bound.binding.required or elsewhere:
        why = elsewhere or "unless another file says it"
        return context.judge.unverified(clause, context.stage, f"{spelled}; {why}", file)
    if clause.path == ("seeds",):
        stated = clause.value if isinstance(clause.value, list) else []
        if value in stated or len(stated) != 1:
            return context.judge.unverified(clause, context.stage, f"{file} has no {default.key}", file)
        value = [value]
    if isinstance(declared, Duration) and value == 0:
        length = declared.steps if declared.steps is not None else declared.ratio
        same: bool | None = length == 0
    else:
        totals = totals_of(context.experiment, bound.binding, clause)
        same = compare(clause.path, declared, value, target.unit, totals).same
    if same is None:
        return context.judge.unverified(clause, context.stage, spelled, file)
    if same:
        return context.judge.conforms(clause, context.stage, spelled, file)
    root = bound.document.root
    finding = Finding(
        DEFAULT,
        f"{spelled}; the manifest states {target.name} = {said(declared)}",
        clause.id,
        expected=declared,
        actual=value,
        location=bound.document.location(root) if root is not None else Location(file, 1, 1),
        declared=clause.location,
        advice=f"state {default.key} there, or say `required: false` in the binding if the run gets it from elsewhere",
    )
    return context.judge.violated(clause, finding, file)


def _elsewhere(context: ConfigContext, bound: BoundFile, clause: Clause) -> bool:
    """Whether a file of another kind that belongs to the same run states the clause: a DeepSpeed JSON beside the
    trainer's arguments."""
    own = bound.binding
    for other in context.files:
        theirs = other.binding
        apart = None not in (own.variant, theirs.variant) and own.variant != theirs.variant
        if other is bound or apart or theirs.dialect == own.dialect:
            continue
        if any(target.clause == clause for target in other.targets.values()):
            return True
    return False
