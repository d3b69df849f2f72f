"""A waiver that has ended covers nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.check import ManifestContext
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict

EXPIRED = Rule("M120", "expired-waiver", Severity.ERROR, Stage.MANIFEST, "a waiver whose last day is over")


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for index, waiver in enumerate(context.experiment.stated.waivers):
        if waiver.until < context.judge.today:
            yield Finding(
                EXPIRED,
                f"the waiver for {waiver.clause} ended on {waiver.until}",
                location=context.experiment.location(("waivers", index, "until")),
                advice=f"settle the deviation, or have {waiver.owner} renew it with a reason",
            )
