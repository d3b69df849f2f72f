"""The words of conformance: stage, status, finding, verdict, and which clause can be held at which stage."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel

from framework.locations import Location
from framework.manifest.base import Duration
from framework.manifest.clauses import Clause


class Stage(StrEnum):
    """Where a clause is held."""

    MANIFEST = "manifest"
    CONFIG = "config"
    PLAN = "plan"
    RUN = "run"
    CHECKPOINT = "checkpoint"
    DOCUMENT = "document"
    CLAIM = "claim"


class Status(StrEnum):
    """What was found. The four never blur: what nobody looked at is not a pass."""

    CONFORMS = "conforms"
    VIOLATED = "violated"
    WAIVED = "waived"
    UNVERIFIED = "unverified"


class Severity(StrEnum):
    """``error`` fails a gate; ``warning`` is shown."""

    ERROR = "error"
    WARNING = "warning"


class Rule(NamedTuple):
    """A kind of violation, with a stable code.

    ``explanation`` is its page in Markdown, for `framework explain`; the rules of this package have theirs in
    `framework/conformance/pages/`, so that a check does not load them.
    """

    code: str
    name: str
    severity: Severity
    stage: Stage
    summary: str
    explanation: str = ""


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


UNDER_PROFILE = {Stage.PLAN, Stage.RUN, Stage.CHECKPOINT}
"""The stages that look at what was done under a profile; the others look at what the paper states."""
_GENERAL = {Stage.MANIFEST, Stage.CONFIG, Stage.DOCUMENT}
_APPLIES: dict[str, set[Stage]] = {
    "paper": {Stage.MANIFEST, Stage.DOCUMENT},
    "hardware": _GENERAL | {Stage.RUN},
    "models": _GENERAL | {Stage.PLAN, Stage.CHECKPOINT},
    "datasets": _GENERAL | {Stage.PLAN, Stage.RUN},
    "phases": _GENERAL | {Stage.PLAN, Stage.RUN},
    "variants": _GENERAL | {Stage.PLAN, Stage.RUN, Stage.CHECKPOINT},
    "rules": {Stage.MANIFEST, Stage.DOCUMENT, Stage.CHECKPOINT},
    "seeds": _GENERAL | {Stage.PLAN, Stage.RUN},
    "measurements": {Stage.MANIFEST, Stage.PLAN, Stage.RUN, Stage.DOCUMENT},
    "claims": {Stage.MANIFEST, Stage.DOCUMENT, Stage.CLAIM},
}


_ORIGIN = {"hub", "name", "revision", "path", "builtin", "weights", "tokenizer"}
"""What says where a model comes from: the run knows it, its tensors do not."""


def applies(clause: Clause, stage: Stage) -> bool:
    """Whether a clause can be held at a stage at all: a title is not held by a checkpoint."""
    path = clause.path
    if clause.added and stage not in UNDER_PROFILE | {Stage.DOCUMENT}:
        return False
    if clause.section == "variants":
        if path[-1] == "description":
            return stage in (Stage.MANIFEST, Stage.DOCUMENT)
        tensors = {"mask", "adapter", "prune", "permute"} & set(path)
        without = Stage.RUN if {"prune", "permute"} & set(path) else None if tensors else Stage.CHECKPOINT
        return stage in _APPLIES["variants"] - {without}
    if clause.section == "models" and path[-1] in _ORIGIN:
        return stage in (_APPLIES["models"] - {Stage.CHECKPOINT}) | {Stage.RUN}
    if clause.section == "rules" and "differ_only_in" in path:
        return stage in (Stage.MANIFEST, Stage.DOCUMENT)
    return stage in _APPLIES[clause.section]
