"""Keys that nothing covers, and keys that are stated twice."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.check import ConfigContext
from framework.conformance.misspelled import covered, uncovered
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.names import Path, did_you_mean, format_path

UNBOUND = Rule("C120", "unbound-key", Severity.WARNING, Stage.CONFIG, "a key that no clause, knob or `ignore` covers")
DUPLICATE = Rule("C121", "duplicate-key", Severity.ERROR, Stage.CONFIG, "a key that stands twice in one mapping")

_COMPARED = 2_000
"""Pairs of names of one file that are compared for a slip: in a file of more, near names are the rule."""


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    unstated: dict[str, dict[Path, str]] = {}
    for bound in context.files:
        if bound.dialect is not None:
            unstated.setdefault(bound.document.file, {}).update(bound.dialect.unstated)
    for bound in {bound.document.file: bound for bound in context.files}.values():
        document = bound.document
        if places := uncovered(context, bound):
            leaves, known = document.leaves(), covered(context, bound)
            comparable = len(places) * len(known) <= _COMPARED
            for path, node in (leaves[place] for place in places):
                name = format_path(path)
                bound_names = [format_path(other) for other in known]
                near = did_you_mean(name, bound_names) if comparable else ""
                advice = f"bind `{name}` to a clause under `keys:`, or list it under `ignore:`"
                stated = unstated.get(document.file, {})
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
        for duplicate in document.duplicates:
            first = document.location(duplicate.first)
            yield Finding(
                DUPLICATE,
                f"{format_path(duplicate.path)} is stated twice, first at {first}; some readers refuse that",
                location=document.location(duplicate.second, duplicate.path),
                declared=first,
                advice="keep one",
            )
