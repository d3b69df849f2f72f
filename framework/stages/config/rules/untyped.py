"""What readers noticed about bound values, and that is no error of the file: an argument without a type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.near_keys import covered, within

UNTYPED = Rule(
    "C122",
    "untyped-argument",
    Severity.WARNING,
    Stage.CONFIG,
    "a bound argument of a program has no type: what a command line gives is a string",
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    bound = bounds[-1]
    document = bound.document
    for note in document.notes:
        if note.kind == "untyped-argument" and within(note.path, covered(bound)):
            value = document.value(note.node)
            kind = "int" if isinstance(value, int) else "float"
            yield Finding(
                UNTYPED,
                note.message,
                actual=value,
                location=document.location(note.node, note.path),
                advice=f"declare it with `type={kind}`",
            )
