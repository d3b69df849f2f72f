"""What a check or a verification says, in few words."""

from __future__ import annotations

from framework.conformance import Stage, Status
from framework.stages.check import CheckResult
from framework.stages.verify import VerifyResult


def status_of(result: VerifyResult | CheckResult, clause: str, stage: Stage) -> Status | None:
    """The cell of the matrix."""
    found = next(each for each in result.matrix.clauses if each.id == clause)
    return result.matrix.status(found, stage)


def codes(result: VerifyResult | CheckResult) -> list[str]:
    """The distinct codes of all findings, sorted."""
    return sorted({finding.code for finding in result.findings})
