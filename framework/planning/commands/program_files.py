"""The files that decide what a command does, by their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.errors import InputError
from framework.evidence.record import sha256_of
from framework.locations import Location
from framework.manifest.sections.runners import placeholders

LARGEST = 64 * 1024 * 1024
"""Bytes above which a file is data, and only its size counts."""


def sources_of(root: Path, command: Sequence[str], patterns: Sequence[str], where: Location) -> dict[str, str]:
    """SHA-256 of every file below the project that the command names or a pattern matches, by its path.

    Raises:
        InputError: a pattern matches no file.
    """
    found = dict.fromkeys(_named(root, command))
    for pattern in patterns:
        matched = sorted(path for path in root.glob(pattern) if path.is_file())
        if not matched:
            raise InputError.at(where, f"`sources` names {pattern!r}, which matches no file below {root}")
        found |= dict.fromkeys(matched)
    return {path.relative_to(root).as_posix(): _state(path) for path in sorted(found)}


def _named(root: Path, command: Sequence[str]) -> Iterator[Path]:
    """The files that arguments name: `train.py`, `--config_file=launch.yaml`, and the module after `-m`."""
    for before, argument in zip(("", *command), command, strict=False):
        if any(placeholders(argument)):
            continue
        names = [argument, argument.partition("=")[2]]
        if before == "-m":
            module = argument.replace(".", "/")
            names += [f"{module}.py", f"{module}/__main__.py"]
        for name in filter(None, names):
            path = root / name
            try:
                if path.is_file() and path.resolve().is_relative_to(root.resolve()):
                    yield root / path.resolve().relative_to(root.resolve())
            except (OSError, ValueError):
                continue


def _state(path: Path) -> str:
    size = path.stat().st_size
    return sha256_of(path) if size <= LARGEST else f"{size} bytes"
