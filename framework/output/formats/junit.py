"""JUnit XML: one test case for each clause, and one for each finding that is about no clause."""

from __future__ import annotations

import re
from collections.abc import Iterable

from framework.conformance import Finding, Status
from framework.output.report import Report
from framework.output.unverified import unverified

DESCRIPTION = "XML for test reporters"

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_NOWHERE = "no config file states it"


def render(report: Report) -> str:
    about: dict[str, list[Finding]] = {}
    others = []
    for finding in report.findings:
        if finding.clause in report.result.statuses:
            about.setdefault(finding.clause, []).append(finding)
        else:
            others.append(finding)
    known = {finding.clause for finding in report.known}
    open_in = {each.clause: each.line for each in unverified(report) if each.files}
    cases = [
        _clause(report, clause, status, about.get(clause, []), clause in known, open_in.get(clause, _NOWHERE))
        for clause, status in report.result.statuses.items()
    ]
    cases += [_finding(report, finding) for finding in others]
    return document(report.places.in_project(report.result.experiment.document.file), cases)


def document(name: str, cases: list[str], errors: int = 0) -> str:
    """The whole file around its test cases."""
    failures = sum("<failure" in case for case in cases)
    skipped = sum("<skipped" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="framework check" {counts} time="0">',
            f'  <testsuite name="{attribute(name)}" {counts} skipped="{skipped}" time="0">',
            *cases,
            "  </testsuite>",
            "</testsuites>\n",
        ]
    )


def _clause(report: Report, clause: str, status: Status, findings: list[Finding], known: bool, open_in: str) -> str:
    failing = [finding for finding in findings if report.fails(finding)]
    if failing:
        inner = _failure(failing[0], failing)
    elif status is Status.UNVERIFIED:
        inner = f'<skipped message="{attribute("unverified: " + open_in)}"/>'
    elif status is Status.WAIVED:
        inner = f'<skipped message="{attribute("waived: " + _reason(report, clause))}"/>'
    elif status is Status.VIOLATED:
        why = "known to the baseline" if known else "left out by --select and --ignore"
        inner = f'<skipped message="violated: {why}"/>'
    else:
        inner = ""
    return _case(clause.partition(".")[0], clause, inner + _said(f for f in findings if f not in failing))


def _finding(report: Report, finding: Finding) -> str:
    where = finding.location or finding.declared
    file = report.places.in_project(where.file) if where else ""
    name = ": ".join(part for part in (file, (finding.location and finding.location.key) or "", finding.code) if part)
    if report.fails(finding):
        return _case(finding.rule.name, name, _failure(finding, [finding]))
    return _case(finding.rule.name, name, _said([finding]))


def _reason(report: Report, clause: str) -> str:
    reasons = (v.reason for v in report.result.matrix.verdicts if v.clause == clause and v.status is Status.WAIVED)
    return next(reasons, "")


def _case(group: str, name: str, inner: str) -> str:
    head = f'    <testcase classname="{attribute(group)}" name="{attribute(name)}" time="0"'
    return f"{head}>{inner}</testcase>" if inner else f"{head}/>"


def _failure(first: Finding, findings: list[Finding]) -> str:
    attributes = f'message="{attribute(first.message)}" type="{first.code} {first.rule.name}"'
    return f"<failure {attributes}>{_content(findings)}</failure>"


def _said(findings: Iterable[Finding]) -> str:
    text = _content(list(findings))
    return f"<system-out>{text}</system-out>" if text else ""


def _content(findings: list[Finding]) -> str:
    blocks = []
    for finding in findings:
        lines = [f"{finding.severity}[{finding.code}] {finding.rule.name}: {finding.message}"]
        lines += [f"  --> {finding.location}"] if finding.location else []
        lines += [f"  stated at {finding.declared}"] if finding.declared else []
        lines += [f"  fix: {finding.advice}"] if finding.advice else []
        blocks.append("\n".join(lines))
    return escaped("\n".join(blocks))


def escaped(text: str) -> str:
    """Text that is no markup of XML."""
    clean = _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(text: str) -> str:
    """Text as the value of an attribute."""
    quoted = escaped(text).replace('"', "&quot;")
    return quoted.replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
