"""A few lines of a file around a place, for a reader who has no editor at hand."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from framework.locations import Location

_AROUND, _LONGEST, _LARGEST = 1, 160, 2_000_000


def snippet(root: Path, location: Location | None) -> dict[str, Any] | None:
    """The place, and its line with one before and one after: `{file, line, column, lines: [[number, text, here]]}`.

    Without lines where the file is not a text that can be shown; None without a place.
    """
    if location is None:
        return None
    found: dict[str, Any] = {"file": location.file, "line": location.line, "column": location.column, "lines": []}
    lines = _lines(root / location.file)
    first = max(0, location.line - 1 - _AROUND)
    for number, text in enumerate(lines[first : location.line + _AROUND], first + 1):
        cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        found["lines"].append([number, cut, number == location.line])
    return found


@lru_cache(maxsize=256)
def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST:
            return []
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
