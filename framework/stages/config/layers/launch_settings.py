"""The precision that accelerate's launch settings and the arguments of transformers' Trainer state together.

`bf16: true` and `fp16: true` replace the launch's `mixed_precision`, and where both are false it holds: `__post_init__`
of transformers' training_args.py (4.57) sets ACCELERATE_MIXED_PRECISION only where one of the two is true.
"""

from __future__ import annotations

from framework.conformance import Status, Verdict
from framework.conformance.meaning import said
from framework.stages.config.companions import Companions, Group
from framework.stages.config.runtime_values import UNRESOLVED


def unless_overruled(companions: Companions, verdict: Verdict) -> Verdict:
    """The verdict on a file; that it is unverified there, if it is about a precision that gives way to another file's,
    with the finding for the case that nothing settles it."""
    finding = verdict.finding
    if finding is None or finding.location is None or not verdict.clause.endswith("precision"):
        return verdict
    where = finding.location
    if not companions.knows(where.file) or not _gives_way(companions, where.file, verdict.clause, finding.actual):
        return verdict
    reason = "accelerate's launch settings and the Trainer's arguments state it together"
    told = finding._replace(
        rule=UNRESOLVED,
        message=f"{where.key} settles nothing: {reason}; the manifest states"
        f" {verdict.clause} = {said(finding.expected)}",
        advice="let one of them state it; until then it is unverified",
        repairable=False,
    )
    return verdict._replace(status=Status.UNVERIFIED, reason=f"{where}: {reason}", finding=told)


def _gives_way(companions: Companions, file: str, clause: str, actual: object) -> bool:
    """Whether a file beside it states the precision with more right: arguments before the launch's, and the launch's
    before arguments that are off."""
    launch = _is_launch(companions.group(file))

    def states(other: Group) -> bool:
        return _is_launch(other) is not launch and clause in other.stated_by_key and (launch or _is_launch(other))

    return (launch or actual is False) and companions.of(file, states)


def _is_launch(group: Group) -> bool:
    return any(each.dialect is not None and each.dialect.name == "accelerate" for each in group.patterns)
