"""What readers noticed about a file: an argument without a type, a file that it is made of and that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.reading.layers.base_files import MISSING
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
MISSING_PART = Rule(
    "C124", "missing-part", Severity.WARNING, Stage.CONFIG, "a file that a config names as a part of it is not there"
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    bound = bounds[-1]
    document = bound.document
    for note in document.notes:
        if note.kind == MISSING:
            yield Finding(
                MISSING_PART,
                f"{note.message}: what it states is not known",
                location=document.location(note.node, note.path),
                advice="correct the name; a part that comes from an installed package is known only where it is copied",
            )
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
