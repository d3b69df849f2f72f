"""Tables with a header, a row for each step, by commas, tabs or semicolons: Lightning's CSVLogger and home-grown loops.

A file is one by its content: a line of names, and below it one of as many values, some of them numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.evidence.logs.logged_names import number
from framework.locations import Location


def read(files: Sequence[Path], reading: Reading) -> Log:
    return log_of("CSV", (row for file in files for row in _rows(file)), reading)


def _rows(file: Path) -> Iterator[tuple[Location, dict[str, Any]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            comma = _delimiter(stream.readline()) or ","
            stream.seek(0)
            table = csv.DictReader(stream, restkey="", delimiter=comma)
            for row in table:
                named = {key.strip(): value for key, value in row.items() if value and isinstance(value, str)}
                yield Location(str(file), table.line_num, 1), named
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InputError.at(Location(str(file), 1, 1), f"not CSV: {problem}") from None


_NAME = re.compile(r"[A-Za-z_][\w ./%()-]*")
_LONGEST = 1 << 16


def _delimiter(header: str) -> str | None:
    """What parts the names of a header; None where it is none."""
    names = header.strip()
    found = max(",;\t", key=names.count)
    parts = [part.strip().strip('"') for part in names.split(found)]
    return found if len(parts) > 1 and all(map(_NAME.fullmatch, parts)) else None


def _matches(file: Path) -> bool:
    if file.suffix.lower() in (".csv", ".tsv"):
        return True
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            header, first = stream.readline(_LONGEST), stream.readline(_LONGEST)
    except (OSError, UnicodeDecodeError):
        return False
    comma = _delimiter(header)
    values = first.strip("\r\n").split(comma) if comma else []
    return len(values) > 1 and len(values) == len(header.strip("\r\n").split(comma)) and any(map(_is_number, values))


def _is_number(text: str) -> bool:
    return number(text.strip()) is not None


FORMAT = Format("CSV", _matches, read)
