"""Which dialects there are. A dialect's module is imported when it is used, not before."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from framework.dialects import trainers
from framework.dialects.flags import recognised
from framework.dialects.terms import Dialect, Recognition
from framework.errors import UsageError
from framework.names import did_you_mean
from framework.plugins import entry_points, loaded

GROUP = "framework.dialects"
"""The entry-point group for dialects of other distributions; each entry names a `Dialect`."""
SURE = 0.5
"""The confidence from which on a document is taken to be of a dialect."""


@cache
def _own() -> dict[str, str]:
    """The module of each dialect of this distribution: one of a folder below `trainers`."""
    folders = [(f"{trainers.__name__}.{found.name}", found.name) for found in iter_modules(trainers.__path__)]
    return {
        found.name.replace("_", "-"): f"{package}.{found.name}"
        for package, folder in folders
        for found in iter_modules([f"{path}/{folder}" for path in trainers.__path__])
    }


@cache
def _others() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> list[str]:
    """The names of all dialects."""
    return sorted({*_own(), *_others()})


@cache
def dialect(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        UsageError: there is none.
    """
    if name in _own():
        found = import_module(_own()[name]).DIALECT
    elif name in _others():
        found = loaded(_others()[name])
    else:
        raise UsageError(f"no dialect {name!r}: {did_you_mean(name, names())}")
    assert isinstance(found, Dialect)
    return found


def recognise(data: Any) -> tuple[Dialect, Recognition] | None:
    """The dialect that plain data is surest to be of, and why; None where none is sure enough."""
    found = [(each, seen) for each in map(dialect, names()) if (seen := recognised(each, data)) is not None]
    sure = [pair for pair in found if pair[1].confidence >= SURE]
    return max(sure, key=lambda pair: pair[1].confidence, default=None)
