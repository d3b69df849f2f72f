"""Formats: every module of `framework.output.formats` is one. To add a format is to add a file.

A format holds `DESCRIPTION`, a line for people, and `render(report)`, which gives the whole text. Other distributions
add formats through the entry-point group `framework.formats`, each an object with these two.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Protocol

from framework.errors import UsageError
from framework.names import did_you_mean
from framework.output.report import Report
from framework.plugins import entry_points, loaded


class Format(Protocol):
    """One way to say a report."""

    @property
    def DESCRIPTION(self) -> str:
        """What it is for, in a line."""

    def render(self, report: Report) -> str:
        """The report as text."""


_PACKAGE = "framework.output.formats"


@cache
def names() -> tuple[str, ...]:
    """Our own formats, by name, without importing any."""
    folder = os.path.join(os.path.dirname(__file__), "formats")
    found = (name.removesuffix(".py") for name in os.listdir(folder) if name.endswith(".py"))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def format_named(name: str) -> Format:
    """A format: ours, else one of another distribution.

    Raises:
        UsageError: there is none of that name, or it is not a format.
    """
    if name in names():
        module: Format = import_module(f"{_PACKAGE}.{name}")
        return module
    others = {point.name: point for point in entry_points(group="framework.formats")}
    if name not in others:
        raise UsageError(f"no format {name!r}: {did_you_mean(name, [*names(), *others])}")
    found: Format = loaded(others[name])
    if not callable(getattr(found, "render", None)):
        raise UsageError(f"the format {name!r} ({others[name].value}) has no function `render`")
    return found
