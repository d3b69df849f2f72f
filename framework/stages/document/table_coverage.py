"""Numbers of a table of results that nothing holds: those beside a bound one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from framework.locations import Location
from framework.reading.nodes import Document
from framework.reading.prose.number_literals import literals_in

_TABULAR = re.compile(r"\\begin\{(tabular\w*\*?|longtable|array)\}.*?\\end\{\1\}", re.DOTALL)
_BARS = re.compile(r"(?:^[^\n]*(?<!\\)\|[^\n]*(?:\n|\Z))+", re.MULTILINE)
_COMMENT = {"latex": re.compile(r"(?<!\\)%[^\n]*"), "markdown": re.compile(r"<!--.*?-->", re.DOTALL)}
_END = {"latex": re.compile(r"(?<!\\)&|\\\\"), "markdown": re.compile(r"(?<!\\)\||\n")}
_COMMAND, _WORD = re.compile(r"\\[A-Za-z]+"), re.compile(r"[A-Za-z0-9]")


class Coverage(NamedTuple):
    """A table's numbers: how many are bound, and the places and texts of the others."""

    where: Location
    bound: int
    unbound: list[tuple[Location, str]]


def coverage(document: Document, held: Sequence[int]) -> Iterator[Coverage]:
    """Each table that holds a bound number; ``held`` are the places of the bound results."""
    language = "latex" if document.format == "latex" else "markdown"
    tables = _TABULAR if language == "latex" else _BARS
    for table in tables.finditer(document.text):
        inside = [start for start in held if table.start() <= start < table.end()]
        if not inside:
            continue
        unbound = [start for start in _numbers(document.text, *table.span(), language) if start[0] not in inside]
        places = [(_place(document, start), document.text[start:stop]) for start, stop in unbound]
        yield Coverage(_place(document, table.start()), len(set(inside)), places)


def _numbers(text: str, start: int, stop: int, language: str) -> Iterator[tuple[int, int]]:
    """The first number of each cell that begins with one: `79.3 ± 0.4` is a result, `SST-2` and `run 3` are not."""
    plain = text[:start] + _COMMENT[language].sub(lambda match: " " * len(match[0]), text[start:stop])
    edges = [start, *(match.end() for match in _END[language].finditer(plain, start)), stop]
    for begin, end in pairwise(edges):
        written = next(literals_in(plain, begin, end, language), None)
        if written is not None and not _WORD.search(_COMMAND.sub("", plain[begin : written.start])):
            yield written.start, written.stop


def _place(document: Document, start: int) -> Location:
    before = document.text.rfind("\n", 0, start) + 1
    return Location(document.file, document.text.count("\n", 0, start) + 1, start - before + 1)
