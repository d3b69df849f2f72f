"""Tables that a document writes in HTML: their cells with their places."""

from __future__ import annotations

import re
from bisect import bisect_left

from framework.reading.prose.inline_marks import Span, inner, label_of
from framework.reading.prose.table_cells import Cell

_TABLE = re.compile(r"<table\b[^<>]*>", re.IGNORECASE)
_END = re.compile(r"</table\s*>", re.IGNORECASE)
_PARTS = re.compile(r"<!--.*?-->|<(/?)(tr|th|td)\b[^<>]*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"\A(?:<[A-Za-z][^<>]*>|\s)+|(?:</[A-Za-z]+\s*>|<br\s*/?>|\s)+\Z")
LONGEST = 200_000
"""Characters above which a table is data and no setting."""


def ends_of(text: str) -> list[int]:
    """Where the tables of a text end."""
    return [found.start() for found in _END.finditer(text)]


def html_table(text: str, span: Span, ends: list[int]) -> tuple[list[list[Cell]], int] | None:
    """The rows of a table that begins in a line, and where it ends; None where it does not. ``ends`` of the text."""
    opening = _TABLE.search(text, *span)
    if opening is None or (after := bisect_left(ends, opening.end())) == len(ends):
        return None
    ending = ends[after]
    if ending - opening.end() > LONGEST:
        return None
    rows: list[list[Cell]] = [[]]
    begin: int | None = None
    for part in _PARTS.finditer(text, opening.end(), ending):
        if part[2] is None:
            continue  # a comment
        if begin is not None:
            rows[-1].append(_cell(text, begin, part.start()))
            begin = None
        if part[2].lower() == "tr":
            rows.append([])
        elif not part[1]:
            begin = part.end()
    if begin is not None:
        rows[-1].append(_cell(text, begin, ending))
    return [row for row in rows if row], ending


def _cell(text: str, start: int, stop: int) -> Cell:
    """A cell without the blanks, tags and marks around all of it."""
    for _ in range(8):
        found = _TAG.search(text[start:stop])
        if found is None or found.end() == found.start():
            break
        if found.start() == 0:
            start += found.end()
        else:
            stop = start + found.start()
        if start >= stop:
            return Cell("", stop, stop)
    span = inner(text, Span(start, stop))
    return Cell(label_of(text[span.start : span.stop]), span.start, span.stop)
