"""Verdicts: what one look at one clause found, in one of four statuses that never blur."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from framework.conformance.finding import Finding
from framework.conformance.stage import Stage


class Status(StrEnum):
    """What was found. The four never blur: what nobody looked at is not a pass."""

    CONFORMS = "conforms"
    VIOLATED = "violated"
    WAIVED = "waived"
    UNVERIFIED = "unverified"


class Verdict(NamedTuple):
    """What one look at one clause found. ``evidence`` points to what was looked at: a text, or what becomes one when
    somebody asks for its `str`, since a check of many files looks at far more places than it shows."""

    clause: str
    stage: Stage
    status: Status
    reason: str = ""
    evidence: object = None
    finding: Finding | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "clause": self.clause,
            "stage": str(self.stage),
            "status": str(self.status),
            "reason": self.reason,
            "evidence": None if self.evidence is None else str(self.evidence),
        }
