"""Findings that say the same of several places: one fact that drifted in 63 files is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from textwrap import wrap

from framework.conformance import Finding, Severity
from framework.locations import Location
from framework.output.report import counted

_MOST_PLACES = 12
_WIDTH = 110


class Alike(list[Finding]):
    """Findings that differ in nothing but their places, in their order; at least one."""

    @property
    def first(self) -> Finding:
        return self[0]

    @property
    def further(self) -> list[Location]:
        """The places of the others."""
        places = dict.fromkeys(finding.location for finding in self if finding.location)
        return list(places)[1:]

    @property
    def declared(self) -> list[Location]:
        """Where what is violated is stated: one place, or those of several clauses that one value breaks."""
        return list(dict.fromkeys(finding.declared for finding in self if finding.declared))

    @property
    def places(self) -> int:
        """At how many places it is found."""
        return max(1, len({finding.location for finding in self if finding.location}))


def together(findings: Iterable[Finding]) -> list[Alike]:
    """The findings by what they say, each where the first of them stood."""
    groups: dict[object, Alike] = {}
    for number, finding in enumerate(findings):
        groups.setdefault(_said(finding) or number, Alike()).append(finding)
    return list(groups.values())


def _said(finding: Finding) -> tuple[object, ...] | None:
    """What a finding says wherever it is; None where it is about no place and says nowhere what it breaks."""
    if finding.location is None:
        return (
            None if finding.declared is None else (finding.code, finding.message, finding.advice, finding.declared.file)
        )
    named = finding.location.file
    message = finding.message.replace(named, "\0")
    advice = (finding.advice or "").replace(named, "\0")
    return finding.code, message, advice


def tally(findings: Iterable[Finding]) -> str:
    """How many there are: `2 errors, 1 warning`, and at how many places where that is more."""
    groups = together(findings)
    errors = [each for each in groups if each.first.severity is Severity.ERROR]
    warnings = [each for each in groups if each.first.severity is not Severity.ERROR]
    return f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}"


def _counted(groups: list[Alike], noun: str) -> str:
    places = sum(each.places for each in groups)
    return counted(len(groups), noun) + (f" at {places} places" if places > len(groups) else "")


def listed(places: list[Location]) -> Iterator[str]:
    """The places in lines; of many only the first, and in which folders the others are."""
    words = [str(place) for place in places[:_MOST_PLACES]]
    left = Counter(place.file.rpartition("/")[0] or "." for place in places[_MOST_PLACES:])
    if left:
        words[-1] += ","
        folders = ", ".join(f"{number} in {folder}" for folder, number in left.most_common(4))
        words.append(f"and {left.total()} more ({folders}{', …' if len(left) > 4 else ''}; --format json lists all)")
    text = ", ".join(words[:_MOST_PLACES]) + (" " + words[-1] if left else "")
    yield from wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
