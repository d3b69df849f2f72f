"""Text that a program printed: a row of named numbers in each line that names its step.

`iter 20: loss 3.1250, lr 1.0e-03`, `step 40 | train loss: 3.1 | val loss: 3.2` and `epoch=1 step=10 loss=3.0` are such
lines; what else is printed between them is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.locations import Location

# Possessive, and a name begins where a word does: a line that a program prints may hold a text of any length.
_NUMBER = r"[-+]?(?>\d[\d,]*+(?:\.\d*+)?|\.\d++)(?>[eE][-+]?\d++)?+"
_NAME = r"[A-Za-z_][\w/.-]*+"
_PAIR = re.compile(
    rf"(?<![\w/.-])[/.-]*+(?P<name>{_NAME}(?: {_NAME})?)\s*+(?:[:=]\s*+)?+"
    rf"(?P<value>{_NUMBER})(?![\w%.])(?:\s*+/\s*+\d++)?+"
)
_STEP = re.compile(rf"\b(?:global[ _]?step|step|iter|iteration)\s*+(?:[:=#]\s*+)?+{_NUMBER}", re.IGNORECASE)
_FIRST_LINES = 200


def read(files: Sequence[Path], reading: Reading) -> Log:
    return log_of("text", (row for file in files for row in _rows(file)), reading)


def _rows(file: Path) -> Iterator[tuple[Location, dict[str, Any]]]:
    with file.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if _STEP.search(line):
                yield Location(str(file), number, 1), _row(line)


def _row(line: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for match in _PAIR.finditer(line):
        name, value = "_".join(match["name"].casefold().split()), match["value"].replace(",", "")
        found.setdefault(name.removeprefix("iteration_"), value)
    return found


def _matches(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8") as stream:
            first = [line for _, line in zip(range(_FIRST_LINES), stream, strict=False)]
    except (OSError, UnicodeDecodeError):
        return False
    return any(_STEP.search(line) and len(_row(line)) > 1 for line in first)


FORMAT = Format("text", _matches, read)
