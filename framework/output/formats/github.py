"""Workflow commands of GitHub Actions: each finding becomes an annotation on its line."""

from __future__ import annotations

from framework.conformance import Finding
from framework.locations import Location
from framework.output.ansi import harmless
from framework.output.file_places import Places
from framework.output.report import Report, coverage

DESCRIPTION = "annotations of GitHub Actions"


def render(report: Report) -> str:
    lines = [_of(finding, report) for finding in report.findings]
    lines.append(f"{report.verdict}: {coverage(report.summary)}, {report.summary['violated']} clauses violated")
    lines += [f"gone from the baseline, shrink it: {harmless(line)}" for line in report.gone]
    return "\n".join(lines) + "\n"


def _of(finding: Finding, report: Report) -> str:
    kind = "error" if report.fails(finding) else "warning"
    message = finding.message
    if finding.location and finding.declared:
        stated = finding.declared
        message += f"\nstated at {report.places.in_repository(stated.file)}:{stated.line}:{stated.column}"
    if finding.advice:
        message += f"\nfix: {finding.advice}"
    where = finding.location or finding.declared
    return command(kind, where, f"{finding.code} {finding.rule.name}", message, report.places)


def command(kind: str, where: Location | None, title: str, message: str, places: Places) -> str:
    """A workflow command: an annotation of a kind (`error`, `warning`), on its line where there is one."""
    properties: dict[str, str | int] = {}
    if where:
        properties |= {
            "file": places.in_repository(where.file),
            "line": where.line,
            "endLine": where.line,
            "col": where.column,
            "endColumn": where.column + where.width,
        }
    properties["title"] = title
    spelled = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind} {spelled}::{_data(message)}"


def _data(text: str) -> str:
    """The escapes of the runner's toolkit for what follows the second `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
