"""For people: as a compiler shows it, both places with the line and a caret, and the repair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from framework.conformance import Finding, Severity
from framework.output import unverified
from framework.output.alike import Alike, listed, tally, together
from framework.output.ansi import Ink, harmless
from framework.output.file_places import Places
from framework.output.report import Report, counted, coverage
from framework.output.snippet import snippet

DESCRIPTION = "for people"

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def render(report: Report) -> str:
    ink = Ink(report.colour)
    lines = [*blocks(report.findings, report.places, ink), *summary(report, ink)]
    return "\n".join(lines) + "\n"


def blocks(findings: Iterable[Finding], places: Places, ink: Ink) -> Iterator[str]:
    """The lines of all findings, those together that say the same of several places, and an empty line after each."""
    for alike in together(findings):
        yield from _block(alike, places, ink)
        yield ""


def _block(alike: Alike, places: Places, ink: Ink) -> Iterator[str]:
    finding = alike.first
    head = ink(f"{finding.severity}[{finding.code}]", "bold", _COLOURS[finding.severity])
    yield f"{head} {finding.rule.name}: {harmless(finding.message)}"
    if finding.location:
        yield f"  {ink('-->', 'blue')} {harmless(str(finding.location))}"
        yield from snippet(finding.location, places, ink)
    for number, line in enumerate(listed(alike.further)):
        yield f"  {ink('   ' if number else 'and', 'blue')} {harmless(line)}"
    if alike.declared:
        yield f"  {ink('stated at', 'blue')} {harmless(str(alike.declared[0]))}"
        yield from snippet(alike.declared[0], places, ink)
        for line in listed(alike.declared[1:]):
            yield f"  {ink('and', 'blue')} {harmless(line)}"
    if finding.advice:
        yield f"  {ink('fix', 'green')}: {harmless(finding.advice)}"


def summary(report: Report, ink: Ink) -> Iterator[str]:
    """What the whole amounts to."""
    counts = report.summary
    verdict = ink(report.verdict, "bold", "red" if report.failed else "green")
    yield f"{verdict}: {counted(counts['files'], 'config file')}, {coverage(counts)}"
    spelled = ", ".join(f"{counts[name]} {name}" for name in ("conforms", "violated", "waived", "unverified"))
    yield f"{counts['clauses']} clauses: {spelled}" + (
        "" if any(each.files for each in unverified.unverified(report)) else " (no config file settles those)"
    )
    for line in unverified.lines(report):
        first, *rest = unverified.folded(harmless(line))
        yield f"  {ink('unverified', 'yellow')}: {first}"
        yield from (f"      {each}" for each in rest)
    if left := unverified.left(report):
        first, *rest = unverified.folded(harmless(left))
        yield f"  {ink('note', 'yellow')}: {first}"
        yield from (f"      {each}" for each in rest)
    if report.findings:
        yield tally(report.findings) + (" (--strict: a warning fails)" if report.strict else "")
    if report.hidden:
        yield f"{counted(report.hidden, 'finding')} left out by --select and --ignore; their clauses stay as counted"
    if report.known:
        yield f"{counted(len(report.known), 'known finding')} of {report.baseline} not shown: violated, and not failing"
    if report.gone:
        yield f"{counted(len(report.gone), 'finding')} of {report.baseline} gone: shrink it with --write-baseline"
        yield from (f"  gone: {harmless(line)}" for line in report.gone)
