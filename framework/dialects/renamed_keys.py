"""Keys that a trainer takes in several spellings: read under one, and given back at the places that the file has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from framework.dialects.terms import Said
from framework.names import Path


def underscored(data: Any) -> Any:
    """The outermost keys with underscores in the place of dashes; of two that become one, the first."""
    if not isinstance(data, dict):
        return data
    plain: dict[Any, Any] = {}
    for key, value in data.items():
        plain.setdefault(_name(key), value)
    return plain


def read_underscored(data: dict[str, Any], read: Callable[[dict[str, Any]], Said]) -> Said:
    """What ``read`` makes of the data with underscores, each at its own place."""
    said = read(underscored(data))
    places: dict[Any, Any] = {}
    for key in data:
        places.setdefault(_name(key), key)

    def place(path: Path) -> Path:
        return (places[path[0]], *path[1:]) if path and path[0] in places else path

    return Said(
        [replace(statement, path=place(statement.path)) for statement in said.statements],
        said.defaults,
        {place(path) for path in said.silent},
    )


def _name(key: Any) -> Any:
    return key.replace("-", "_") if isinstance(key, str) else key
