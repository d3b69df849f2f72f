"""JSON lines: an object for each step, by the names that most loops use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.locations import Location


def read(files: Sequence[Path], reading: Reading) -> Log:
    return log_of("JSON lines", (row for file in files for row in _rows(file)), reading)


def _rows(file: Path) -> Iterator[tuple[Location, dict[str, Any]]]:
    """The objects; a last line that was cut off by a kill is left out."""
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            where = Location(str(file), number, 1)
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as problem:
                if not line.endswith(b"\n"):
                    return
                raise InputError.at(where, f"not JSON: {problem}") from None
            if not isinstance(row, dict):
                raise InputError.at(where, "not a JSON object")
            yield where, row


FORMAT = Format("JSON lines", lambda path: path.suffix.lower() in (".jsonl", ".ndjson"), read)
