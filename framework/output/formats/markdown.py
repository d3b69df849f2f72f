"""A comment on a pull request: the verdict, a table, and the details folded away."""

from __future__ import annotations

import re
from typing import Any

from framework.conformance.finding import plain
from framework.conformance.meaning import said
from framework.locations import Location
from framework.output import unverified
from framework.output.alike import Alike, listed, tally, together
from framework.output.report import Report, counted, coverage

DESCRIPTION = "a comment on a pull request"

MARK = "<!-- framework check -->"
"""The first line: by it a workflow finds the comment that it wrote before."""
_MOST_ROWS = 50
_LARGEST = 55_000
"""Characters up to which findings are spelled out; a comment may hold 65,536."""
_MARKUP = re.compile(r"([\\`*\[\]#!|~@]|(?<!\w)_|_(?!\w)|:(?=[\w+-]+:))")
"""What starts markup, a mention, a reference or an emoji; an underscore within a word does not."""


def render(report: Report) -> str:
    counts = report.summary
    groups = together(report.findings)
    parts = [
        MARK,
        f"### framework check: {report.verdict}",
        f"{tally(report.findings)}; {counted(counts['files'], 'config file')}, {coverage(counts)}. "
        f"{counts['clauses']} clauses: "
        + ", ".join(f"{counts[name]} {name}" for name in ("conforms", "violated", "waived", "unverified"))
        + ".",
    ]
    still = _unverified(report)
    if report.findings:
        parts.append(_table(report, groups))
        parts.append(_details(report, groups, _LARGEST - len(still) - sum(map(len, parts))))
    parts.append(still)
    parts.append(cell(unverified.left(report)))
    if report.known:
        parts.append(f"{counted(len(report.known), 'known finding')} of the baseline: violated, and not failing.")
    if report.gone:
        gone = "\n".join(f"- {cell(line)}" for line in report.gone[:_MOST_ROWS])
        parts.append(f"{counted(len(report.gone), 'finding')} gone: shrink the baseline.\n\n{gone}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _unverified(report: Report) -> str:
    rows = "\n".join(f"- {cell(line)}" for line in unverified.lines(report))
    return f"<details><summary>Unverified</summary>\n\n{rows}\n\n</details>" if rows else ""


def _table(report: Report, groups: list[Alike]) -> str:
    rows = ["| | where | key | is | manifest |", "| --- | --- | --- | --- | --- |"]
    for alike in groups[:_MOST_ROWS]:
        finding = alike.first
        sign = "❌" if report.fails(finding) else "⚠️"
        key = finding.location.key if finding.location and finding.location.key else finding.clause
        cells = [
            f"{sign} {finding.code}",
            _place(finding.location or finding.declared, report)
            + (f" and {alike.places - 1} more" if alike.places > 1 else ""),
            code(key) if key else "",
            _value(finding.actual) if len({repr(each.actual) for each in alike}) == 1 else "",
            _value(finding.expected),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    left = len(groups) - _MOST_ROWS
    return "\n".join(rows) + (f"\n\nand {left} more" if left > 0 else "")


def _details(report: Report, groups: list[Alike], room: int) -> str:
    lines: list[str] = []
    for alike in groups:
        line = _detail(alike, report)
        room -= len(line) + 1
        if room < 0:
            lines.append(f"- and {len(groups) - len(lines)} more")
            break
        lines.append(line)
    return "<details><summary>Details</summary>\n\n" + "\n".join(lines) + "\n\n</details>"


def _detail(alike: Alike, report: Report) -> str:
    finding = alike.first
    line = f"- **{finding.code} {cell(finding.rule.name)}**: {cell(finding.message)}"
    if alike.further:
        also = [Location(report.places.in_repository(each.file), each.line, each.column) for each in alike.further]
        line += f"<br>and at {cell(' '.join(listed(also)))}"
    if finding.location and alike.declared:
        line += f"<br>stated at {', '.join(_place(each, report) for each in alike.declared)}"
    return line + (f"<br>fix: {cell(finding.advice)}" if finding.advice else "")


def _place(where: Location | None, report: Report) -> str:
    return code(f"{report.places.in_repository(where.file)}:{where.line}:{where.column}") if where else ""


def _value(value: Any) -> str:
    return "" if value is None else code(said(plain(value)))


def code(text: str) -> str:
    """Inline code that nothing in the text can end: as HTML, not in backticks."""
    return f"<code>{cell(_short(text))}</code>"


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def cell(text: str) -> str:
    """Text that shows as itself: no markup, no mention of a person, no end of a table's cell or row."""
    flat = " ".join(text.split())
    escaped = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(lambda found: f"&#{ord(found[1])};", escaped)
