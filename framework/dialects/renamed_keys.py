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


def nested(data: Any) -> tuple[Any, dict[Path, Path]]:
    """Dotted names as sections (`optim.lr=1e-4`, `+a.b=1`, `--trainer.max_epochs`), and the place of each."""
    if not isinstance(data, dict):
        return data, {}
    plain: dict[Any, Any] = {}
    places: dict[Path, Path] = {}
    for key, value in data.items():
        parts = key.lstrip("+").split(".") if isinstance(key, str) else [key]
        section = plain
        if len(parts) > 1 and not all(part.isidentifier() for part in parts):
            parts = [key]
        for part in parts[:-1]:
            below = section.get(part)
            section[part] = dict(below) if isinstance(below, dict) else {}
            section = section[part]
        section[parts[-1]] = value
        if tuple(parts) != (key,):
            places[tuple(parts)] = (key,)
    return plain, places


def read_nested(data: dict[str, Any], read: Callable[[dict[str, Any]], Said]) -> Said:
    """What ``read`` makes of the data with dotted names as sections, each at its own place."""
    plain, places = nested(data)
    said = read(plain)
    if not places:
        return said

    def place(path: Path) -> Path:
        for length in range(len(path), 0, -1):
            if path[:length] in places:
                return (*places[path[:length]], *path[length:])
        return path

    def below(path: Path) -> list[Path]:
        """The places of a silent section: those of all that stands below it."""
        inner = [places[each] for each in places if len(each) > len(path) and each[: len(path)] == path]
        return inner or [place(path)]

    return Said(
        [replace(statement, path=place(statement.path)) for statement in said.statements],
        said.defaults,
        {each for path in said.silent for each in below(path)},
    )
