"""The tables of a LaTeX source as they are set: titles, rows and cells with their places, for whoever reads results.

It is :mod:`framework.reading.prose.latex_file` that reads the source; here a cell of `\\multirow` stands in all of its
rows, and a macro without arguments says what its definition says, wherever in a cell it stands.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from framework.reading.nodes import Document
from framework.reading.prose.latex_file import MACRO, MOST_DEFINITION, LatexSource, titles_of
from framework.reading.prose.table_cells import Cell

_TALL = re.compile(
    r"\s*(?:\\multicolumn\s*\{\s*\d+\s*\}\s*\{[^{}]*\}\s*\{)?"
    r"\s*\\multirow\s*(?:\[[^\]]*\])?\s*\{\s*(-?\d{1,3})"
)
_BELOW_TITLES = re.compile(r"\\(?:midrule|hline|hhline|endhead|endfirsthead)(?![A-Za-z])")
_USED = re.compile(r"\\([A-Za-z@]+)(?:\{\}|\s+(?=[^\\{])|(?![A-Za-z@]))")
_ONE_ARGUMENT = re.compile(r"\\([A-Za-z@]+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_MACRO_OF_ONE = re.compile(r"\\(?:(?:re)?newcommand|providecommand)\*?\s*\{?\s*\\([A-Za-z@]+)\s*\}?\s*\[1\]\s*\{")
_SETTING = (
    (re.compile(r"\\[hv]?phantom\s*\{[^{}]*\}|\\color\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}"), ""),
    (re.compile(r"\\(?:footnote|tnote|tablefootnote)\s*\{[^{}]*\}|\\footnotemark\s*(?:\[[^\]]*\])?"), ""),
    (re.compile(r"\\(?:textcolor|colorbox|raisebox|rotatebox|scalebox)\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}\s*(?=\{)"), ""),
    (re.compile(r"\\(?:[rl]lap|tablenum)\s*(?=\{)"), ""),
    (re.compile(r"\\textsuperscript\s*\{([^{}]*)\}"), r"$^{\1}$"),
    (re.compile(r"\\text(dagger|asteriskcentered)(?![A-Za-z])"), r"\\\1"),
)
"""What only sets a cell, and what in its place stands."""
_DEPTH = 4
"""Macros in macros that are followed."""


class LatexTable(NamedTuple):
    """The titles of the columns, and the rows below them. A title of several lines, or below one over several columns,
    is `group / title`."""

    titles: list[Cell]
    rows: list[list[Cell]]


def latex_tables(document: Document) -> list[LatexTable]:
    """The tables of a source, in order."""
    source = _Tables(document)
    source.run()
    return source.found


class _Tables(LatexSource):
    def __init__(self, document: Document):
        super().__init__(document)
        self.found: list[LatexTable] = []
        self.bodies: dict[str, str] = {}
        for match in MACRO.finditer(self.text):
            name = (match[1] or match[2])[1:]
            body = self.text[match.end() : self._closing(match.end(), MOST_DEFINITION)]
            known = self.bodies.setdefault(name, body)
            if known != body or "#" in body:
                self.bodies[name] = ""  # several, or with arguments: what it says is not known here
        self.of_one: dict[str, str] = {}
        for match in _MACRO_OF_ONE.finditer(self.text):
            body = self.text[match.end() : self._closing(match.end(), MOST_DEFINITION)]
            self.of_one[match[1]] = body if self.of_one.setdefault(match[1], body) == body else ""

    def _tabular(self, rows: list[list[Cell]], position: int) -> None:
        rows = [row for row in rows if len(row) > 1]  # others hold a caption
        if not rows:
            return
        ends = [row[-1].stop for row in rows]
        count = next((at for at in range(1, len(rows)) if self._is_ruled(ends[at - 1], rows[at][0].start)), 0)
        above, below = rows[:count], rows[count:]
        titles = _titles(above) if above else titles_of(below)
        again = [[cell.text for cell in row] for row in above]
        kept = [row for row in below if not _is_title(row) and [cell.text for cell in row] not in again]
        self.found.append(LatexTable(titles, _filled(self.text, kept)))

    def _is_ruled(self, start: int, stop: int) -> bool:
        """Whether there is a line that parts titles from rows."""
        return _BELOW_TITLES.search(self.text, start, stop) is not None

    def plain(self, text: str) -> str:
        for _ in range(_DEPTH):
            before = text
            text = _ONE_ARGUMENT.sub(self._with_argument, _USED.sub(self._said, text))
            for pattern, instead in _SETTING:
                text = pattern.sub(instead, text)
            if text == before:
                break
        return super().plain(text)

    def _said(self, match: re.Match[str]) -> str:
        return self.bodies.get(match[1]) or match[0]

    def _with_argument(self, match: re.Match[str]) -> str:
        body = self.of_one.get(match[1])
        return match[0] if not body else body.replace("#1", match[2])


def _titles(rows: list[list[Cell]]) -> list[Cell]:
    """One title for each column of the rows above the line: the lowest texts that stand there without a gap."""
    found = []
    for column in range(max(len(row) for row in rows)):
        stack: list[Cell] = []
        for cell in [row[column] if column < len(row) else Cell("", 0, 0) for row in reversed(rows)]:
            if cell.text:
                stack.append(cell)
            elif stack:
                break
        texts = dict.fromkeys(cell.text for cell in reversed(stack))
        lowest = stack[0] if stack else Cell("", 0, 0)
        found.append(Cell(" / ".join(texts), lowest.start, lowest.stop))
    return found


def _is_title(row: list[Cell]) -> bool:
    """Whether a row is one title over all columns, and no row of values."""
    return len(row) > 1 and all(cell is row[0] for cell in row)


def _filled(text: str, rows: list[list[Cell]]) -> list[list[Cell]]:
    """The rows, a tall cell in each row that it spans: below it, or above where its number is negative."""
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            tall = _TALL.match(text, cell.start, cell.stop)
            count = int(tall[1]) if tall is not None else 0
            reached = range(at + 1, at + count) if count > 0 else range(at + count + 1, at)
            for other in reached:
                if 0 <= other < len(rows) and column < len(rows[other]) and not rows[other][column].text:
                    empty = rows[other][column]
                    rows[other][column] = Cell(cell.text, empty.start, empty.stop)
    return rows
