"""What makes two findings of two checks the same one: not the line that it stands on."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence

from framework.conformance import Finding
from framework.conformance.finding import plain
from framework.output.file_places import Places

_LINES = re.compile(r":\d+(?::\d+)?\b")


def fingerprint(finding: Finding, places: Places) -> str:
    """A stable name: the code, the clause, the file, the key and what it states.

    A finding about neither a clause nor a key is told apart by its message, without the lines that this names.
    """
    where = finding.location or finding.declared
    key = finding.location.key if finding.location else None
    said = None if finding.clause or key else _LINES.sub("", finding.message)
    identity = [
        finding.code,
        finding.clause,
        places.in_project(where.file) if where else None,
        key,
        plain(finding.actual),
        said,
    ]
    text = json.dumps(identity, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def numbered(findings: Sequence[Finding], places: Places) -> list[str]:
    """A name for each finding, different also for equal ones: `NAME:1`, `NAME:2`."""
    seen: Counter[str] = Counter()
    names = []
    for finding in findings:
        name = fingerprint(finding, places)
        seen[name] += 1
        names.append(f"{name}:{seen[name]}")
    return names
