"""What a check has to say, before it is put into a format."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from framework.conformance import Finding, Severity
from framework.output.file_places import Places
from framework.stages.check import CheckResult


@dataclass(frozen=True)
class Report:
    """A result as it was asked for.

    ``findings`` are those to show, in a stable order; ``hidden`` were taken out by `--select` or `--ignore`;
    ``known`` are in the baseline: they stay violated, and do not fail; ``gone`` are baseline entries that nothing
    matches any more, one line each. ``unbound_files`` look like a training's configs, and no binding covers them.
    """

    result: CheckResult
    findings: list[Finding]
    hidden: int = 0
    known: list[Finding] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    baseline: str | None = None
    unbound_files: list[str] = field(default_factory=list)
    strict: bool = False
    colour: bool = False

    @cached_property
    def places(self) -> Places:
        return Places(self.result.experiment.root)

    @cached_property
    def summary(self) -> dict[str, int]:
        return self.result.summary()

    def fails(self, finding: Finding) -> bool:
        """Whether this one alone fails a gate."""
        return self.strict or finding.severity is Severity.ERROR

    @property
    def failed(self) -> bool:
        """Whether a gate must fail; under `--strict`, also for a warning or a baseline that should shrink."""
        return any(map(self.fails, self.findings)) or (self.strict and bool(self.gone))

    @property
    def verdict(self) -> str:
        """The whole in a word or two; what a baseline forgives is no conformance."""
        if self.failed:
            return "drifted"
        return "nothing new" if any(map(self.fails, self.known)) else "conforms"

    def as_dict(self) -> dict[str, Any]:
        """For programs. `baseline` is there only where one was read."""
        data: dict[str, Any] = {"findings": [finding.as_dict() for finding in self.findings], "summary": self.summary}
        if self.baseline is not None:
            known = [finding.as_dict() for finding in self.known]
            data["baseline"] = {"file": self.baseline, "known": known, "gone": self.gone}
        spelled: dict[str, Any] = jsonable(data)
        return spelled


def jsonable(value: Any) -> Any:
    """Data that every JSON reader takes: what is no JSON value, such as `.nan` or a tagged one, as text."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def coverage(summary: dict[str, int]) -> str:
    """How much of the bound files is covered: `55 of 56 keys bound, 98 %`.

    Rounded down, so that only all is 100 %.
    """
    keys, bound = summary["keys"], summary["keys"] - summary["unbound"]
    return f"{bound} of {keys} keys bound, {100 * bound // keys if keys else 0} %"


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
