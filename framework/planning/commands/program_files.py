"""The files of its own that decide what a command does: those that it names, and what it is said to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.manifest.sections.runners import Runner, placeholders
from framework.names import Path as ClausePath
from framework.planning.contents.local_places import Local

_PROJECT = "{project}/"


def sources_of(root: Path, name: str, runner: Runner) -> Iterator[Local]:
    """Every file below the project that a runner's command, config files or environment name, and what its `sources`
    say; a folder among these is all that lies in it."""
    place = ("runners", name)
    given = [("command", runner.command), ("environment", list(runner.environment.values()))]
    given += [("configs", list(_texts(config.values))) for config in runner.configs.values()]
    for section, texts in given:
        yield from (Local((*place, section), file) for file in _named(root, texts))
    for pattern in runner.sources:
        yield from _matching(root, (*place, "sources"), pattern)


def _matching(root: Path, clause: ClausePath, pattern: str) -> Iterator[Local]:
    """The files that a pattern matches; without any the pattern itself, which is then not there."""
    if not any(mark in pattern for mark in "*?["):
        yield Local(clause, pattern)
        return
    below = f"{pattern}/*" if pattern.endswith("**") else pattern
    matched = sorted(path.relative_to(root).as_posix() for path in root.glob(below) if path.is_file())
    yield from (Local(clause, file) for file in matched or [pattern])


def _named(root: Path, texts: Sequence[str]) -> Iterator[str]:
    """The files that texts name: `train.py`, `--config_file=launch.yaml`, and the module after `-m`."""
    for before, given in zip(("", *texts), texts, strict=False):
        text = given.replace(_PROJECT, "")
        if any(placeholders(text)):
            continue
        names = [text, text.partition("=")[2]]
        if before == "-m":
            module = text.replace(".", "/")
            names += [f"{module}.py", f"{module}/__main__.py"]
        for name in filter(None, names):
            path = root / name
            try:
                if path.is_file() and path.resolve().is_relative_to(root.resolve()):
                    yield path.resolve().relative_to(root.resolve()).as_posix()
            except (OSError, ValueError):
                continue


def _texts(value: Any) -> Iterator[str]:
    """The texts of plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
