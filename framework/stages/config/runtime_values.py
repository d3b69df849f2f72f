"""Values that are stated, and that only their own program knows: never a pass, and said where nothing else settles
the clause."""

from __future__ import annotations

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import written
from framework.names import Path
from framework.reading.nodes import UNSET, AnyNode, Opaque
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import Target

UNRESOLVED = Rule(
    "C109",
    "unresolved-value",
    Severity.WARNING,
    Stage.CONFIG,
    "a bound value is only known when its program runs, and nothing else settles the clause",
)


def unresolved(
    context: ConfigContext, bound: BoundFile, target: Target, path: Path, node: AnyNode, reason: str
) -> Verdict:
    """The verdict on a stated value that cannot be known, with the finding for the case that nobody else knows."""
    clause, document = target.clause, bound.document
    value, where = document.value(node), document.location(node, path)
    message = f"{where.key} settles nothing: {reason}; the manifest states {target.name} = {said(target.declared)}"
    if isinstance(value, Opaque) and value.default is not UNSET:
        message += f" (unless something else decides, it is {said(value.default)})"
    finding = Finding(
        UNRESOLVED,
        message,
        clause.id,
        expected=target.declared,
        actual=str(value.tag) if isinstance(value, Opaque) else value,
        location=where,
        declared=clause.location,
        advice=f"write {written(target.declared)} there, or bind the file that settles it; until then it is unverified",
        repairable=False,
    )
    place = document.place(node)
    return context.judge.unverified(clause, context.stage, f"{place}: {reason}", place, finding)
