"""Settings that a program wrote as YAML or JSON, read as data only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.reading.formats import read


def settings_of(file: Path, reader: Any = None) -> dict[str, Any]:
    """The mapping that a file holds.

    Raises:
        InputError: it cannot be read, or holds none.
    """
    document = read(file, str(file), reader)
    data = None if document.root is None else document.value(document.root)
    if not isinstance(data, dict):
        raise InputError.at(Location(str(file), 1, 1), "no settings: it holds no mapping")
    return data


def numbers_of(data: Any) -> dict[str, float]:
    """The numbers at the top of a mapping, by name."""
    items = data.items() if isinstance(data, dict) else ()
    return {str(name): value for name, value in items if type(value) in (int, float)}
