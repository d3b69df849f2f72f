"""What was noticed about a file: an argument without a type, a part of it that is not there, a place elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.locations import Location
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

ELSEWHERE = Rule(
    "C125", "outside-project", Severity.WARNING, Stage.CONFIG, "a bound file is a link to what lies outside the project"
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    bound = bounds[-1]
    document = bound.document
    if (place := _elsewhere(context, bound)) is not None:
        yield Finding(
            ELSEWHERE,
            f"it is a link to {place}, outside the project: it was read, and who has the project alone has another "
            "file there, or none",
            location=Location(document.file, 1, 1),
            advice="copy the file into the project",
        )
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


def _elsewhere(context: ConfigContext, bound: BoundFile) -> str | None:
    """Where a file really lies, if that is not below the project's folder or the repository that it is in."""
    folder, name = os.path.split(os.path.join(bound.pattern.here, bound.file))
    real: dict[str, str] = context.cache.setdefault("real folders", {})
    if folder not in real:
        real[folder] = os.path.realpath(folder)
    if "" not in real:
        real[""] = _top(os.path.realpath(context.experiment.root))
    path = os.path.join(real[folder], name)
    path = os.path.realpath(path) if os.path.islink(path) else path
    return None if path.startswith(os.path.join(real[""], "")) else path


def _top(root: str) -> str:
    """The repository's folder; without one the project's own."""
    above = root
    while not os.path.lexists(os.path.join(above, ".git")):
        if os.path.dirname(above) == above:
            return root
        above = os.path.dirname(above)
    return above
