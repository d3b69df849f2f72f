"""Tables of runs: exports of trackers, and what people collect themselves."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.searching.foreign.rows import Row, number_in

STATE_NAMES = ("state", "State", "status", "Status")


def read_table(path: Path, state: str | None) -> Iterator[Row]:
    """The rows of a .csv, .tsv, .json (a list of objects) or .jsonl file; nested objects by dotted names.

    Raises:
        InputError: it is none, with its line.
    """
    for number, found in _objects(path):
        if not isinstance(found, dict):
            raise InputError.at(Location(str(path), number, 1), "a row that is no object")
        flat = dict(_flat(found))
        name = state or next((each for each in STATE_NAMES if each in flat), None)
        end = flat.pop(name, None) if name else None
        yield Row({key: number_in(value) for key, value in flat.items()}, None if end is None else str(end))


def _objects(path: Path) -> Iterator[tuple[int, Any]]:
    where = Location(str(path), 1, 1)
    try:
        text = path.read_text("utf-8-sig")
        if path.suffix in (".csv", ".tsv"):
            rows = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
            yield from ((rows.line_num, row) for row in rows)
        elif path.suffix in (".jsonl", ".ndjson"):
            for number, line in enumerate(text.splitlines(), 1):
                where = Location(str(path), number, 1)
                if line.strip():
                    yield number, json.loads(line)
        else:
            data = json.loads(text)
            if not isinstance(data, list):
                raise InputError.at(where, "not a list of runs")
            yield from ((1, row) for row in data)
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as problem:
        raise InputError.at(where, f"cannot be read as a table: {problem}") from None


def _flat(data: dict[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{head}{key}.")
        else:
            yield f"{head}{key}", value
