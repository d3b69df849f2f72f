"""Which dialects can be written: a file of the dialect's name, or another distribution's entry point."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from framework.dialects.rendering import writers
from framework.dialects.rendering.sheet import Facts, Sheet
from framework.errors import UsageError
from framework.names import did_you_mean
from framework.plugins import entry_points, loaded

GROUP = "framework.dialect_writers"
"""The entry-point group for writers of other distributions; each entry, called as its dialect, names a `write`."""


@cache
def _own() -> tuple[str, ...]:
    return tuple(found.name.replace("_", "-") for found in iter_modules(writers.__path__))


def names() -> list[str]:
    """The names of the dialects that can be written."""
    return sorted({*_own(), *(point.name for point in entry_points(group=GROUP))})


def written(name: str, facts: Facts) -> Sheet:
    """What a dialect makes of the facts.

    Raises:
        UsageError: no dialect of that name can be written.
    """
    sheet = Sheet(facts)
    _writer(name)(sheet)
    return sheet


def _writer(name: str) -> Any:
    if name in _own():
        return import_module(f"{writers.__name__}.{name.replace('-', '_')}").write
    for point in entry_points(group=GROUP):
        if point.name == name:
            return loaded(point)
    raise UsageError(f"no dialect {name!r} can be written: {did_you_mean(name, names())}")
