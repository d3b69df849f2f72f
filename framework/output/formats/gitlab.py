"""GitLab's Code Quality report: each finding is an issue on its line, shown in the merge request.

The format is the subset of Code Climate's that GitLab reads (its documentation, 'Code Quality report format'):
`description`, `check_name`, `fingerprint`, `severity` and `location`. Of two issues with one fingerprint it shows the
first alone, so equal ones are numbered; the line is no part of it, so that an issue stays the same one when the file
grows above it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

from framework.conformance import Finding
from framework.locations import Location
from framework.output.report import Report, jsonable

DESCRIPTION = "the Code Quality report of GitLab"


def render(report: Report) -> str:
    seen: Counter[str] = Counter()
    issues = [_issue(finding, report, seen) for finding in report.findings]
    return json.dumps(issues, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _issue(finding: Finding, report: Report, seen: Counter[str]) -> dict[str, Any]:
    where = finding.location or finding.declared or Location(report.result.experiment.document.file, 1, 1)
    path = report.places.in_repository(where.file)
    of = json.dumps(jsonable([finding.code, path, finding.clause, where.key, str(finding.actual)]))
    seen[of] += 1
    return issue(
        text=f"{finding.code} {finding.rule.name}: {finding.message}",
        name=f"framework/{finding.code}",
        identity=f"{of}#{seen[of]}",
        severity="major" if report.fails(finding) else "minor",
        path=path,
        line=where.line,
    )


def issue(text: str, name: str, identity: str, severity: str, path: str, line: int) -> dict[str, Any]:
    """One entry of the report."""
    return {
        "description": text,
        "check_name": name,
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": severity,
        "location": {"path": path, "lines": {"begin": max(1, line)}},
    }
