"""Waivers that have ended, and waivers that waive nothing."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.stage import applies
from framework.manifest.sections.statements import Waiver
from framework.names import find_path
from framework.stages.manifest.context import ManifestContext

EXPIRED = Rule("M120", "expired-waiver", Severity.ERROR, Stage.MANIFEST, "a waiver whose last day is over")
UNUSED = Rule("M121", "unused-waiver", Severity.WARNING, Stage.MANIFEST, "a waiver that waives nothing")

_CHECKED = (Stage.MANIFEST, Stage.CONFIG)


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for index, waiver in enumerate(context.experiment.stated.waivers):
        if waiver.until < context.judge.today:
            yield Finding(
                EXPIRED,
                f"the waiver for {waiver.clause} ended on {waiver.until}",
                location=context.experiment.location(("waivers", index, "until")),
                advice=f"settle the deviation, or have {waiver.owner} renew it with a reason",
            )
        elif reason := _idle(context, index, waiver):
            path = find_path(context.experiment.raw, waiver.clause)
            yield Finding(
                UNUSED,
                f"the waiver for {waiver.clause} waives nothing: {reason}",
                waiver.clause,
                location=context.experiment.location(("waivers", index, "clause")),
                declared=context.experiment.location(path) if path else None,
                advice="remove the waiver, or correct its clause or stage",
            )


def _idle(context: ManifestContext, index: int, waiver: Waiver) -> str | None:
    """Why a waiver can waive nothing, as far as a check knows: the stages after it are held elsewhere."""
    if waiver.stage is None or index in context.judge.used:
        return None
    path = find_path(context.experiment.raw, waiver.clause) or ()
    clauses = context.experiment.below(path) if path else []
    if not clauses:
        return "no clause stands there"
    stage = Stage(waiver.stage)
    if not any(applies(clause, stage) for clause in clauses):
        return f"a clause of this kind is not held at the stage {stage}"
    return f"nothing violates it at the stage {stage}" if stage in _CHECKED else None
