"""A bound key must say what its clause says."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.check import BoundFile, ConfigContext
from framework.conformance.meaning import compare, said
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.targets import BATCH_PARTS, Target
from framework.manifest.clauses import shown

DRIFT = Rule("C101", "drift", Severity.ERROR, Stage.CONFIG, "a config file states another value than the manifest")
MISSING = Rule(
    "C102", "missing-key", Severity.ERROR, Stage.CONFIG, "a config file lacks a key that is bound to a clause"
)
WRONG_TYPE = Rule("C103", "wrong-type", Severity.ERROR, Stage.CONFIG, "the file's reader takes a number for a string")


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    for bound in context.files:
        for key, target in bound.targets.items():
            if target.facet not in BATCH_PARTS:
                yield _verdict(context, bound, key, target)


def _verdict(context: ConfigContext, bound: BoundFile, key: str, target: Target) -> Verdict:
    clause, file = target.clause, bound.document.file
    found = bound.find(key)
    if found is None:
        if not bound.binding.required:
            return context.judge.unverified(clause, context.stage, f"{file} has no {key}", file)
        message = f"{file} has no {key!r}; the manifest states {clause.id} = {said(clause.value)}"
        finding = Finding(
            MISSING,
            message,
            clause.id,
            expected=clause.value,
            location=bound.document.location(bound.document.root) if bound.document.root else None,
            declared=clause.location,
            advice=f"add `{key}: {shown(clause.value)}`, or say `required: false` in the binding",
        )
        return context.judge.violated(clause, finding, file)
    path, node = found
    where = bound.document.location(node, path)
    stated = bound.document.value(node)
    comparison = compare(clause.path, clause.value, stated, target.facet)
    if comparison.same is None:
        return context.judge.unverified(clause, context.stage, f"{where}: {comparison.reason}", str(where))
    if comparison.same:
        return context.judge.conforms(clause, context.stage, evidence=str(where))
    message = f"{where.key} is {said(stated)}; the manifest states {clause.id} = {said(comparison.expected)}"
    if comparison.wrong_type:
        message = f"{where.key}: {comparison.reason}; the manifest states the number {said(comparison.expected)}"
    finding = Finding(
        WRONG_TYPE if comparison.wrong_type else DRIFT,
        message,
        clause.id,
        expected=comparison.expected,
        actual=stated,
        location=where,
        declared=clause.location,
        advice=f"write {shown(comparison.expected)}, or change the manifest if the paper changed",
    )
    return context.judge.violated(clause, finding, str(where))
