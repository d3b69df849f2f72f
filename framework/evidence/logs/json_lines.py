"""JSON lines, an object for each step by the names that most loops use, or one array of such objects. A file is one by
its content; where its name does not say so (`train.log`), lines of text between the objects are passed over."""

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
    if (rows := _array(file)) is not None:
        yield from ((Location(str(file), 1, 1), row) for row in rows)
        return
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
_FIRST_LINES, _FIRST_BYTES = 200, 64


def _matches(file: Path) -> bool:
    if file.suffix.lower() in _SUFFIXES:
        return True
    try:
        with file.open("rb") as stream:
            first = [line for _, line in zip(range(_FIRST_LINES), stream, strict=False)]
    except OSError:
        return False
    if first and first[0].lstrip().startswith(b"[") and _array(file) is not None:
        return True
    objects = sum(_is_object(line) for line in first if line.lstrip().startswith(b"{"))
    return objects > (file.suffix.lower() == ".json")  # there, one object is the whole file


def _array(file: Path) -> list[dict[str, Any]] | None:
    """The objects of a file that is one array of them; None for any other."""
    with file.open("rb") as stream:
        if not stream.read(_FIRST_BYTES).lstrip().startswith(b"["):
            return None
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and found and all(isinstance(row, dict) for row in found) else None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


FORMAT = Format("JSON lines", _matches, read)
