"""Places of the framework (characters from 1) and positions of the protocol (code units from 0)."""

from __future__ import annotations

import re

_LINES = re.compile(r"\r\n|\n|\r")
"""What ends a line to the protocol; `str.splitlines` knows more."""

UNITS = {"utf-8": lambda text: len(text.encode("utf-8", "surrogatepass")), "utf-32": len}
"""By position encoding how many units a text takes; any other name means UTF-16, which every client knows."""


def units(text: str, encoding: str) -> int:
    """How many code units a text takes."""
    if encoding in UNITS:
        return UNITS[encoding](text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def lines_of(text: str) -> list[str]:
    """The lines of a text, without what ends them."""
    return _LINES.split(text)


def span(text: str, line: int, column: int, width: int, encoding: str) -> tuple[int, int, int]:
    """A place as line, start and end of the protocol; one behind the text's end is its last line's."""
    lines = lines_of(text)
    number = min(max(line, 1), len(lines)) - 1
    start = max(column, 1) - 1
    return number, units(lines[number][:start], encoding), units(lines[number][: start + width], encoding)


def column_at(text: str, line: int, character: int, encoding: str) -> int:
    """The character, from 0, at a position of the protocol; within a pair of code units that of the pair."""
    lines = lines_of(text)
    if line >= len(lines):
        return 0
    taken = 0
    for column, letter in enumerate(lines[line]):
        taken += units(letter, encoding)
        if taken > character:
            return column
    return len(lines[line])


def position_of(text: str, offset: int, encoding: str) -> tuple[int, int]:
    """Line and character of the protocol of an offset in characters."""
    lines = lines_of(text[:offset])
    return len(lines) - 1, units(lines[-1], encoding)
