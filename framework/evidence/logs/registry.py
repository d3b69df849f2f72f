"""Which formats of logs there are, and which one a file is of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from framework.errors import InputError
from framework.evidence.logs.log import Format, Log, Reading
from framework.locations import Location
from framework.plugins import entry_points

_OWN = ("tensorboard", "json_lines", "csv_table", "trainer_state", "text_log")
GROUP = "framework.logs"
"""The entry-point group for formats of other distributions; each entry names a `Format`."""


@cache
def formats() -> tuple[Format, ...]:
    """Every format, other distributions' first: a file is of the first one that knows it."""
    own = (import_module(f"framework.evidence.logs.{name}").FORMAT for name in _OWN)
    return (*(point.load() for point in entry_points(group=GROUP)), *own)


def natural(path: Path) -> list[tuple[int, int | str]]:
    """A key that orders `checkpoint-9` before `checkpoint-10`."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def is_log(file: Path) -> bool:
    """Whether a file that nobody named as one is a log; JSON is one only under the name that the Trainer gives it."""
    if file.suffix.lower() == ".json":
        return file.name == "trainer_state.json"
    return any(each.matches(file) for each in formats())


def read_log(files: Sequence[Path], reading: Reading) -> tuple[Log, list[Path]]:
    """What the files of one log tell, and which of them were read: of event files all, else the last.

    Raises:
        InputError: no format is known for them, or a file is damaged.
    """
    ordered = sorted(files, key=natural)
    for each in formats():
        if each.matches(ordered[-1]):
            used = [file for file in ordered if each.matches(file)] if each.joined else ordered[-1:]
            return each.read(used, reading), used
    known = ", ".join(each.name for each in formats())
    raise InputError.at(Location(str(ordered[-1]), 1, 1), "no format of logs is known for this file", f"known: {known}")
