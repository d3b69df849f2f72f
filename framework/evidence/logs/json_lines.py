"""JSON lines: an object for each step, by the names that most loops use. A file is one by its content; where its name
does not say so (`train.log`), lines of text between the objects are passed over."""

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
    mixed = file.suffix.lower() not in _SUFFIXES
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            where = Location(str(file), number, 1)
            if not line.strip() or (mixed and not line.lstrip().startswith(b"{")):
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


_SUFFIXES = (".jsonl", ".ndjson")
_FIRST_LINES = 200


def _matches(file: Path) -> bool:
    if file.suffix.lower() in _SUFFIXES:
        return True
    if file.suffix.lower() not in (".log", ".txt", ".out", ""):
        return False
    try:
        with file.open("rb") as stream:
            first = [line for _, line in zip(range(_FIRST_LINES), stream, strict=False)]
    except OSError:
        return False
    return any(_is_object(line) for line in first if line.lstrip().startswith(b"{"))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


FORMAT = Format("JSON lines", _matches, read)
