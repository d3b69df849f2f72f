"""Rules: kinds of violation, each with a stable code and a severity."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from framework.conformance.stage import Stage


class Severity(StrEnum):
    """``error`` fails a gate; ``warning`` is shown."""

    ERROR = "error"
    WARNING = "warning"


class Rule(NamedTuple):
    """A kind of violation, with a stable code.

    ``explanation`` is its page in Markdown, for `framework explain`; the rules of this package have theirs in
    `framework/stages/pages/`, so that a check does not load them.
    """

    code: str
    name: str
    severity: Severity
    stage: Stage
    summary: str
    explanation: str = ""
