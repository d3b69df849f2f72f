"""The precision that accelerate's launch settings and the arguments of transformers' Trainer state together.

`bf16: true` and `fp16: true` replace the launch's `mixed_precision`, and where both are false it holds: `__post_init__`
of transformers' training_args.py (4.57) sets ACCELERATE_MIXED_PRECISION only where one of the two is true.
"""

from __future__ import annotations

from framework.conformance import Finding, Status, Verdict
from framework.conformance.meaning import said
from framework.stages.config.companions import LAUNCHED, Companions, Group, Switch
from framework.stages.config.runtime_values import UNRESOLVED


def unless_overruled(companions: Companions, verdict: Verdict) -> Verdict:
    """The verdict on a file; that it is unverified there, if it is about a precision that gives way to another place,
    with the finding for the case that nothing settles it. What a launch states in the place of switches that are off
    names them."""
    finding = verdict.finding
    if finding is None or finding.location is None or not verdict.clause.endswith("precision"):
        return verdict
    where = finding.location
    if not companions.knows(where.file):
        return verdict
    launched = (where.key or "").rpartition(".")[2] in LAUNCHED
    if not launched and finding.actual is not False:
        return verdict
    if not _stands(companions, where.file, "on" if launched else "launch", verdict.clause):
        return verdict._replace(finding=_with_switches(companions, verdict.clause, finding)) if launched else verdict
    reason = "accelerate's launch settings and the Trainer's arguments state it together"
    told = finding._replace(
        rule=UNRESOLVED,
        message=f"{where.key} settles nothing: {reason}; the manifest states"
        f" {verdict.clause} = {said(finding.expected)}",
        advice="let one of them state it; until then it is unverified",
        repairable=False,
    )
    return verdict._replace(status=Status.UNVERIFIED, reason=f"{where}: {reason}", finding=told)


def _stands(companions: Companions, file: str, switch: Switch, clause: str) -> bool:
    """Whether the run of a file has a place that states the precision in such a way."""

    def states(group: Group) -> bool:
        return (switch, clause) in group.precisions

    return states(companions.group(file)) or companions.of(file, states)


def _with_switches(companions: Companions, clause: str, finding: Finding) -> Finding:
    """What is wrong with a launch's precision, with the switches of the run that leave it to the launch."""
    assert finding.location is not None
    own = finding.location.file
    found = [each for each in companions.off.get(clause, ()) if each[0] == own or companions.settles(own, [each[0]])]
    if not found:
        return finding
    spelled = ", ".join(f"{key} at {place}" for _, key, place in found[:3])
    return finding._replace(message=f"{finding.message}; off, and so left to the launch: {spelled}")
