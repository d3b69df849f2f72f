"""The words of conformance: stage, status, finding, verdict, and the matrix of clauses against stages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from framework.locations import Location
from framework.manifest.base import Duration
from framework.manifest.clauses import Clause
from framework.reading.nodes import Place


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


@dataclass(frozen=True, slots=True)
class Rule:
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


@dataclass(frozen=True, slots=True)
class Finding:
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


@dataclass(slots=True)
class Verdict:
    """What one look at one clause found. ``evidence`` points to what was looked at: a text, or what becomes one when
    somebody reads it, since a check of many files looks at far more places than it shows."""

    clause: str
    stage: Stage
    status: Status
    reason: str = ""
    evidence: str | Place | None = None
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


_UNDER_PROFILE = {Stage.PLAN, Stage.RUN, Stage.CHECKPOINT}
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
    "claims": {Stage.MANIFEST, Stage.DOCUMENT, Stage.CLAIM},
}
_ORDER = [Status.VIOLATED, Status.UNVERIFIED, Status.WAIVED, Status.CONFORMS]


_ORIGIN = {"hub", "name", "revision", "path", "builtin", "weights", "tokenizer"}
"""What says where a model comes from: the run knows it, its tensors do not."""


def applies(clause: Clause, stage: Stage) -> bool:
    """Whether a clause can be held at a stage at all: a title is not held by a checkpoint."""
    path = clause.path
    if clause.added and stage not in _UNDER_PROFILE | {Stage.DOCUMENT}:
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


@dataclass(slots=True)
class Matrix:
    """The conformance matrix."""

    clauses: tuple[Clause, ...]
    verdicts: list[Verdict] = field(default_factory=list)
    _cells: dict[tuple[str, Stage], list[Verdict]] = field(default_factory=dict)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            self.verdicts.append(verdict)
            self._cells.setdefault((verdict.clause, verdict.stage), []).append(verdict)

    def looks(self, clause: Clause, stage: Stage) -> list[Verdict]:
        """All verdicts of a cell."""
        return self._cells.get((clause.id, stage), [])

    def status(self, clause: Clause, stage: Stage) -> Status | None:
        """The worst of a cell's verdicts, `unverified` without any, None where the stage does not apply."""
        looks = self.looks(clause, stage)
        if looks:
            return min((verdict.status for verdict in looks), key=_ORDER.index)
        if not applies(clause, stage):
            return None
        removed = clause.deviation is not None and clause.deviation.value is None
        return Status.WAIVED if removed and stage in _UNDER_PROFILE else Status.UNVERIFIED

    def findings(self) -> Iterator[Finding]:
        """The findings of violated verdicts, each once."""
        seen: list[Finding] = []
        for verdict in self.verdicts:
            if verdict.status is Status.VIOLATED and verdict.finding is not None and verdict.finding not in seen:
                seen.append(verdict.finding)
                yield verdict.finding

    def unsettled(self) -> Iterator[Finding]:
        """What rules have to say of clauses that no look settled: of each, the first."""
        seen: set[tuple[str, Stage]] = set()
        for verdict in self.verdicts:
            cell = (verdict.clause, verdict.stage)
            if verdict.status is not Status.UNVERIFIED or verdict.finding is None or cell in seen:
                continue
            seen.add(cell)
            if all(look.status is Status.UNVERIFIED for look in self._cells[cell]):
                yield verdict.finding

    def count(self, stage: Stage) -> dict[Status, int]:
        """How many clauses have each status at a stage."""
        counts = dict.fromkeys(Status, 0)
        for clause in self.clauses:
            status = self.status(clause, stage)
            if status is not None:
                counts[status] += 1
        return counts
