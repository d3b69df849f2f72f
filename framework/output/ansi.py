"""The few terminal codes that a check needs: a table library costs more to import than the whole check may."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


class Ink(NamedTuple):
    """Writes text in a style, or leaves it as it is."""

    colour: bool = False

    def __call__(self, text: str, *styles: str) -> str:
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def wants_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour what goes to a stream: a terminal that can, and nobody said otherwise.

    `NO_COLOR` (no-color.org) wins over `FORCE_COLOR`, which colours also where no terminal is.
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


@cache
def _control() -> re.Pattern[str]:
    """Compiled at the first use: most text is printable."""
    return re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Text of other people for a terminal or a log: no character in it moves the cursor or starts a line.

    Each control character becomes one visible one, so that columns stay where they were.
    """
    if text.isascii() and text.isprintable():
        return text
    return _control().sub(lambda found: " " if found[0] == "\t" else "\N{REPLACEMENT CHARACTER}", text)


def cells(text: str) -> int:
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    import unicodedata  # a shared library that plain text does without

    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
