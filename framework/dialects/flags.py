"""Command lines: what a dialect reads is the flags' names without their dashes, and its places are given back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from framework.dialects.model import Dialect, Recognition, Said
from framework.names import Path


def bare(data: Any) -> tuple[Any, dict[str, str]]:
    """Data with `--per-device-batch` as `per_device_batch`, and the names as they stand; unchanged where none has
    dashes, or where two would become one."""
    if not isinstance(data, dict) or not any(isinstance(key, str) and key.startswith("--") for key in data):
        return data, {}
    names = {_bare(key): key for key in data}
    if len(names) != len(data):
        return data, {}
    return {own: data[key] for own, key in names.items()}, names


def _bare(key: str) -> str:
    return key.removeprefix("--").replace("-", "_") if key.startswith("--") else key


def recognised(dialect: Dialect, data: Any) -> Recognition | None:
    """Whether data is of a dialect, as a file or as a command line."""
    return dialect.recognise(bare(data)[0])


def said(dialect: Dialect, data: Any) -> Said:
    """What data of a dialect states, each at its own place."""
    plain, names = bare(data)
    found = dialect.read(plain)
    if not names:
        return found

    def place(path: Path) -> Path:
        return (names.get(str(path[0]), path[0]), *path[1:]) if path else path

    return Said(
        [replace(statement, path=place(statement.path)) for statement in found.statements],
        [replace(default, key=f"--{default.key}") for default in found.defaults],
        {place(path) for path in found.silent},
    )
