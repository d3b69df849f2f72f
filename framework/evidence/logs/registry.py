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

_OWN = {
    "tensorboard": "tensorboard",
    "trainer_state": "trainer_state",
    "json_lines": "json_lines",
    "csv": "csv_table",
    "text": "text_log",
}
"""By the name that a manifest has for it, the module of each format; a file is of the first one that knows it."""
GROUP = "framework.logs"
"""The entry-point group for formats of other distributions; each entry names a `Format`."""


@cache
def formats() -> dict[str, Format]:
    """Every format by its name, other distributions' first: a file is of the first one that knows it."""
    theirs = {point.name: point.load() for point in entry_points(group=GROUP)}
    return theirs | {name: import_module(f"framework.evidence.logs.{file}").FORMAT for name, file in _OWN.items()}


def natural(path: Path) -> list[tuple[int, int | str]]:
    """A key that orders `checkpoint-9` before `checkpoint-10`."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


_LOGS = (".log", ".txt", ".out", "", ".jsonl", ".ndjson", ".csv", ".tsv")


def is_log(file: Path) -> bool:
    """Whether a file that nobody named as one is a log: by its content, and a name that logs have; JSON is one only
    under the name that the Trainer gives it."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        return file.name == "trainer_state.json"
    return (suffix in _LOGS or "tfevents" in file.name) and any(each.matches(file) for each in formats().values())


def read_log(files: Sequence[Path], reading: Reading) -> tuple[Log, list[Path]]:
    """What the files of one log tell, and which of them were read: of event files all, else the last.

    Raises:
        InputError: no format is known for them, or a file is damaged.
    """
    ordered = sorted(files, key=natural)
    stated = None if reading.format is None else formats()[reading.format]
    for each in formats().values() if stated is None else (stated,):
        if each is stated or each.matches(ordered[-1]):
            used = [file for file in ordered if each is stated or each.matches(file)] if each.joined else ordered[-1:]
            return each.read(used, reading), used
    known = ", ".join(formats())
    raise InputError.at(Location(str(ordered[-1]), 1, 1), "no format of logs is known for this file", f"known: {known}")
