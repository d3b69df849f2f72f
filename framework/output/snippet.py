"""The line that a finding is about, with a caret under exactly the value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from framework.errors import InputError
from framework.locations import Location
from framework.output.ansi import Ink, cells, harmless
from framework.output.file_places import Places
from framework.reading.decoding import open_regular, read_text

_BREAK = "\r\n|[\n\r\x85\u2028\u2029]"
"""The line breaks that YAML counts; Python's `splitlines` counts others too."""
_WIDEST = 160
_BEFORE = 60
_LARGEST = 4 * 1024 * 1024


def snippet(where: Location, places: Places, ink: Ink) -> Iterator[str]:
    """Two lines, or none where the file holds no text to show."""
    line = line_of(places.absolute(where.file), where.line)
    if line is None or where.column > len(line) + 1:
        return
    line, column = _window(line, where.column - 1)
    width = max(1, min(where.width, len(line) - column))
    number = str(where.line)
    gap = " " * len(number)
    start = cells(line[:column])
    caret = "^" * max(1, cells(line[column : column + width]))
    yield f"  {ink(number, 'blue')} {ink('|', 'blue')} {line}".rstrip()
    yield f"  {gap} {ink('|', 'blue')} {' ' * start}{ink(caret, 'bold')}"


def line_of(path: Path, number: int) -> str | None:
    """A line of a text file, harmless to print."""
    lines = _lines(path)
    return harmless(lines[number - 1]) if number <= len(lines) else None


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around a column, and the column within it."""
    if len(line) <= _WIDEST:
        return line, column
    start = max(0, column - _BEFORE)
    stop = start + _WIDEST
    head, tail = "…" if start else "", "…" if stop < len(line) else ""
    return head + line[start:stop] + tail, column - start + len(head)


@lru_cache(maxsize=64)
def _lines(path: Path) -> tuple[str, ...]:
    try:
        if path.stat().st_size > _LARGEST:
            return ()
        with open_regular(path) as stream:
            if b"\0" in stream.read(1024):
                return ()
        return tuple(re.split(_BREAK, read_text(path, str(path))))
    except (InputError, OSError):
        return ()
