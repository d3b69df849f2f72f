"""Findings as a compiler shows them: both places, the line with a caret, and the repair."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from framework.cli import console
from framework.conformance.model import Finding, Severity
from framework.errors import InputError
from framework.locations import Location
from framework.reading.text import read_text

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def show(findings: list[Finding], root: Path) -> None:
    for finding in findings:
        _one(finding, root)
        console.text()


def _one(finding: Finding, root: Path) -> None:
    console.out().print(
        f"[{_COLOURS[finding.severity]}]{finding.severity}\\[{finding.code}][/] {finding.rule.name}: ", end=""
    )
    console.literal(finding.message)
    if finding.location:
        console.literal(f"  --> {finding.location}")
        _snippet(finding.location, root)
    if finding.declared:
        console.literal(f"  stated at {finding.declared}")
        _snippet(finding.declared, root)
    if finding.advice:
        console.out().print("  [green]fix[/]: ", end="")
        console.literal(finding.advice)


def _snippet(where: Location, root: Path) -> None:
    line = _line(where.file, where.line, root)
    if line is None or len(line) > 200:
        return
    number = str(where.line)
    gap = " " * len(number)
    console.literal(f"  {number} | {line}")
    console.out().print(f"  {gap} | " + " " * (where.column - 1) + f"[bold]{'^' * where.width}[/]")


def _line(file: str, number: int, root: Path) -> str | None:
    if not file.endswith((".yaml", ".yml", ".json", ".md")):
        return None
    lines = _lines(Path(file) if Path(file).exists() else root / file)
    return lines[number - 1] if number <= len(lines) else None


@cache
def _lines(path: Path) -> tuple[str, ...]:
    try:
        return tuple(line.expandtabs(1) for line in read_text(path, str(path)).splitlines())
    except InputError:
        return ()
