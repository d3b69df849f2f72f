"""Known findings: a file that lists them, so that only new ones fail. It may shrink, and grows only by force."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.conformance import Finding
from framework.conformance.finding import plain
from framework.errors import InputError, UsageError
from framework.evidence.atomic import write_text
from framework.locations import Location
from framework.output.file_places import Places
from framework.output.fingerprint import fingerprint
from framework.output.report import jsonable
from framework.reading.decoding import read_text

DEFAULT = ".framework-baseline.json"
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One known finding."""

    fingerprint: str
    said: dict[str, Any]

    def __str__(self) -> str:
        parts = (self.said.get(name) for name in ("code", "file", "key", "clause"))
        return " ".join(str(part) for part in parts if part)


@dataclass(frozen=True)
class Held:
    """Findings against a baseline: what is new, what is known, and which entries nothing matches any more."""

    new: list[Finding]
    known: list[Finding]
    gone: list[Entry]


def entry_of(finding: Finding, places: Places) -> Entry:
    where = finding.location or finding.declared
    said = {
        "code": finding.code,
        "clause": finding.clause,
        "file": places.in_project(where.file) if where else None,
        "key": finding.location.key if finding.location else None,
        "actual": jsonable(plain(finding.actual)),
        "message": finding.message,
    }
    return Entry(fingerprint(finding, places), said)


def read(path: Path) -> list[Entry]:
    """The entries of a baseline.

    Raises:
        InputError: it cannot be read, or is no baseline.
    """
    text = read_text(path, str(path))
    try:
        data = json.loads(text)
        if data["version"] != _VERSION:
            raise ValueError
        return [Entry(str(item["fingerprint"]), dict(item)) for item in data["findings"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        where = Location(str(path), 1, 1)
        raise InputError.at(where, "not a baseline", "write one with --write-baseline") from None


def hold(findings: Sequence[Finding], entries: Iterable[Entry], places: Places) -> Held:
    """Tell new findings from known ones. Equal findings are counted: a second one of a known kind is new."""
    left = Counter(entry.fingerprint for entry in entries)
    new, known = [], []
    for finding in findings:
        name = fingerprint(finding, places)
        if left[name] > 0:
            left[name] -= 1
            known.append(finding)
        else:
            new.append(finding)
    gone = []
    for entry in entries:
        if left[entry.fingerprint] > 0:
            left[entry.fingerprint] -= 1
            gone.append(entry)
    return Held(new, known, gone)


def write(path: Path, findings: Sequence[Finding], places: Places, force: bool) -> tuple[int, int]:
    """Write the findings as the baseline; how many it holds, and how many of the old ones it dropped.

    Raises:
        UsageError: the file is there, and would grow.
        InputError: the file is there, and is no baseline.
    """
    dropped = 0
    if path.exists():
        held = hold(findings, read(path), places)
        dropped = len(held.gone)
        if held.new and not force:
            lines = "\n".join(f"    {entry_of(finding, places)}" for finding in held.new[:20])
            more = f"\n    and {len(held.new) - 20} more" if len(held.new) > 20 else ""
            grows = f"{path} may only shrink, and would grow by {len(held.new)}: repair these, or say --force"
            raise UsageError(f"{grows}\n{lines}{more}")
    entries = [entry_of(finding, places) for finding in findings]
    said = sorted(({"fingerprint": e.fingerprint, **e.said} for e in entries), key=_order)
    text = json.dumps({"version": _VERSION, "findings": said}, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
    return len(entries), dropped


def _order(said: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(said[name]) for name in ("file", "key", "code", "clause", "fingerprint"))
