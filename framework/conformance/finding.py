"""Findings: one violation each, with both places, what was expected, what is there, and what to change."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pydantic import BaseModel

from framework.conformance.rule import Rule, Severity
from framework.locations import Location
from framework.manifest.sections.values.durations import Duration


class Finding(NamedTuple):
    """One violation: what is stated where, and what the manifest states where."""

    rule: Rule
    message: str
    clause: str | None = None
    expected: Any = None
    actual: Any = None
    location: Location | None = None
    declared: Location | None = None
    advice: str | None = None
    repairable: bool = True
    """Whether ``expected`` in the place of the value would be the repair: not where a dialect had to translate it."""

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def severity(self) -> Severity:
        return self.rule.severity

    def as_dict(self) -> dict[str, Any]:
        declared = self.declared.as_dict() if self.declared else None
        if declared:
            declared.pop("key")
        return {
            "code": self.code,
            "severity": str(self.severity),
            "stage": str(self.rule.stage),
            "clause": self.clause,
            "message": self.message,
            "expected": plain(self.expected),
            "actual": plain(self.actual),
            "location": self.location.as_dict() if self.location else None,
            "declared": declared,
            "advice": self.advice,
        }


def plain(value: Any) -> Any:
    """A clause's value as JSON data, which knows neither NaN nor infinities."""
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def place_order(finding: Finding) -> tuple[Any, ...]:
    """Errors first, then by file and place: the order in which findings are shown."""
    where = finding.location or finding.declared or Location("", 0, 0)
    return (finding.severity is not Severity.ERROR, where.file, where.line, where.column, finding.code, finding.message)
