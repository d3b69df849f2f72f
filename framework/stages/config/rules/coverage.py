"""Keys that nothing covers, and keys that are stated twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.locations import Location
from framework.names import Path, did_you_mean, format_path
from framework.reading.nodes import Document
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.near_keys import covered, uncovered

UNBOUND = Rule("C120", "unbound-key", Severity.WARNING, Stage.CONFIG, "a key that no clause, knob or `ignore` covers")
DUPLICATE = Rule("C121", "duplicate-key", Severity.ERROR, Stage.CONFIG, "a key that stands twice in one mapping")

MOST_NAMED = 1_000
"""So many uncovered keys of one file are named one by one: nobody reads more, and a file may hold any number."""
_COMPARED = 2_000
"""Pairs of names of one file that are compared for a slip: in a file of more, near names are the rule."""


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    bound = bounds[-1]
    document = bound.document
    if places := uncovered(bound):
        yield from _uncovered(bound, places, bounds)
    for duplicate in document.duplicates:
        first = document.location(duplicate.first)
        yield Finding(
            DUPLICATE,
            f"{format_path(duplicate.path)} is stated twice, first at {first}; some readers refuse that",
            location=document.location(duplicate.second, duplicate.path),
            declared=first,
            advice="keep one",
        )


def _uncovered(bound: BoundFile, places: list[int], bounds: Sequence[BoundFile]) -> Iterator[Finding]:
    document, leaves = bound.document, bound.document.leaves()
    stated: dict[Path, str] = {}
    for each in bounds:
        if each.dialect is not None:
            stated.update(each.dialect.unstated)
    elsewhere = {path for each in bounds if each.hands for path in each.hand(each)}
    known = covered(bound)
    names = [format_path(other) for other in known] if len(places) * len(known) <= _COMPARED else []
    named = 0
    for path, node in (leaves[place] for place in places):
        if path in elsewhere:
            continue
        if named == MOST_NAMED and not document.is_prose:
            yield _others(document, len(places) - named)
            return
        if document.is_prose and not _is_about_training(path, known):
            continue
        name = format_path(path)
        near = did_you_mean(name, names) if names else ""
        advice = f"bind `{name}` to a clause under `keys:`, or list it under `ignore:`"
        named += 1
        above = (path[:length] for length in range(1, len(path) + 1))
        fact = next((stated[place] for place in above if place in stated), None)
        yield Finding(
            UNBOUND,
            f"no clause, knob or `ignore` covers {name}"
            + (f": the manifest states no {fact.replace('|', ' or ')} for it" if fact else ""),
            actual=document.value(node),
            location=document.location(node, path),
            advice=f"{advice} ({near})" if near.startswith("did") else advice,
        )


def _others(document: Document, count: int) -> Finding:
    """What stands for the keys that are not named; ``actual`` is how many these are."""
    return Finding(
        UNBOUND,
        f"no clause, knob or `ignore` covers {count:,} more keys of this file: {MOST_NAMED:,} are named",
        actual=count,
        location=Location(document.file, 1, 1),
        advice="list what is none of the paper's statement under `ignore:`, whole sections by their name",
    )


def _is_about_training(path: Path, known: Set[Path]) -> bool:
    """Whether a document's label is one that settings have, or stands beside others that the binding covers: what else
    people write as `label: value` is none of the paper's statement."""
    from framework.dialects.synonyms import meaning

    names = [part for part in path if isinstance(part, str)]
    length = len(path)
    if length > 1 and any(other[: length - 1] == path[:-1] for other in known):
        return True
    return bool(names) and meaning(names[-1], names[-2] if len(names) > 1 else None) is not None
