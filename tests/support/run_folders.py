"""Run folders that are changed: their records, their lines, and what a record states of its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from framework.evidence.record import RECORD, RunRecord, artefacts_below


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def seal(folder: Path) -> None:
    """State the files of a run folder in its record, as they are now."""
    record = RunRecord.read(folder)
    record.artefacts = artefacts_below(folder, *sorted(path.name for path in folder.iterdir() if path.name != RECORD))
    record.write(folder)


def change_record(folder: Path, change: Callable[[RunRecord], object]) -> None:
    record = RunRecord.read(folder)
    change(record)
    record.write(folder)


def change_lines(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Edit the lines of a JSON-lines file of a run folder in place, and state the file as it is then."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    write_lines(path, lines)
    seal(path.parent)


def change_run(folder: Path, change: Callable[[RunRecord], object] = lambda record: None) -> None:
    """Edit a run's record, and state its files as they are now."""
    change_record(folder, change)
    seal(folder)
