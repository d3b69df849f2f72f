"""Tables of runs: exports of trackers, and what people collect themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.reading.table_rows import table_rows
from framework.searching.foreign.foreign_rows import Row, number_in

STATE_NAMES = ("state", "State", "status", "Status")


def read_table(path: Path, state: str | None) -> Iterator[Row]:
    """The rows of a table; nested objects by dotted names.

    Raises:
        InputError: it is none, with its place.
    """
    for _, found in table_rows(path):
        flat = dict(flat_items(found))
        name = state or next((each for each in STATE_NAMES if each in flat), None)
        end = flat.pop(name, None) if name else None
        yield Row({key: number_in(value) for key, value in flat.items()}, None if end is None else str(end))


def flat_items(data: Any, head: str = "") -> Iterator[tuple[str, Any]]:
    """What nested mappings hold, by dotted names."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from flat_items(value, f"{head}{key}.")
        else:
            yield f"{head}{key}", value
