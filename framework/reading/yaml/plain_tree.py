"""The tree of a plain YAML file, built from its lines: nested mappings and lists of one-line values.

:mod:`framework.reading.yaml.lines` takes the lines apart. Places are worked out only for the nodes that somebody asks
for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

from framework.reading.tree import AnyNode, MappingNode, ScalarNode, SequenceNode

DEEPEST = 50
"""Levels of nesting above which a file is left to the real parser."""
_FIRST = r"(?:[\w./~+]|-(?=[\w./~+-]))"
_PLAIN = rf"{_FIRST}[!\"$-9;-~]*+(?:(?: ++|:)(?=[!\"$-9;-~])[!\"$-9;-~]++)*+"
_WORD = rf"{_FIRST}[\w./~+*$=-]*+(?: (?=[\w./~+])[\w./~+*$=-]++)*+"
_QUOTED = r"'[ -&(-~\xa0-\u2027\u202a-\ud7ff]*+'|\"[ !#-\[\]-~]*+\""
_FLOW = rf"\[ *+(?:(?:{_WORD}|{_QUOTED}) *+(?:, *+(?:{_WORD}|{_QUOTED}) *+)*+)?+\]"
_ROW = (
    r"^( *+)(- ++)?(?:([A-Za-z0-9_][\w./-]{0,100}+):(?: ++|(?=\n|\Z)))?+"
    rf"({_PLAIN}|{_QUOTED}|{_FLOW})?+ *+(?:(?<![^ \n])#[ -~\xa0-\u2027\u202a-\ud7ff]*+)?+(?:\n|\Z)"
)
_ITEM = rf"{_WORD}|{_QUOTED}"


class Line(NamedTuple):
    """One line that is neither empty nor only a comment, taken apart.

    ``structure`` is the number of all that it says but for its values: lines that agree in it stand alike in a tree.
    ``words`` are its values as they are written: one, or those of its list.
    """

    structure: int
    words: tuple[str, ...]
    indent: int
    dash: int
    """The width of `- `, 0 without one."""
    key: str
    value: str


@cache
def row_pattern() -> re.Pattern[str]:
    """A line: its indentation, dash, key and value. Compiled at the first use: it takes longer than some files."""
    return re.compile(_ROW, re.ASCII | re.MULTILINE)


@cache
def item_pattern() -> re.Pattern[str]:
    """One value of a list of one line."""
    return re.compile(_ITEM, re.ASCII)


KEY, VALUE = 3, 4
_MARKS = frozenset(("line", "column", "start", "stop", "tag"))


class Page:
    """A text by the line, for the nodes that have to say where they stand."""

    __slots__ = ("_starts", "text")

    def __init__(self, text: str):
        self.text = text
        self._starts: list[int] | None = None

    def start(self, row: int) -> int:
        """The offset of a line, counted from 0."""
        if self._starts is None:
            self._starts = [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]
        return self._starts[row]

    def span(self, row: int, part: int) -> tuple[int, int]:
        """Where the key or the value of a line stands; an absent value stands after the colon."""
        match = row_pattern().match(self.text, self.start(row))
        assert match is not None
        begin, end = match.span(part)
        if begin < 0:
            begin = end = match.end(KEY) + 1 if match.end(KEY) >= 0 else match.start(2) + 1
        return begin, end


class RowScalar(ScalarNode):
    """A value of one line, or (``part``) its key; its marks are found on the first question."""

    __slots__ = ("page", "part", "raw", "row")

    def __init__(self, page: Page, row: int, raw: str, part: int = VALUE):
        self.page = page
        self.row = row
        self.raw = raw
        self.part = part

    def __getattr__(self, name: str) -> Any:
        # Called for a slot that nothing has filled yet.
        if name == "text" or name == "plain":
            self.plain = self.raw[:1] not in ("'", '"')
            self.text = self.raw if self.plain else self.raw[1:-1]
        elif name in _MARKS:
            self.start, self.stop = self.page.span(self.row, self.part)
            self.line, self.column = self.row + 1, self.start - self.page.start(self.row) + 1
            self.tag = None
        return object.__getattribute__(self, name)


class RowItem(ScalarNode):
    """A value in a list of one line; ``first`` counts its characters from the bracket."""

    __slots__ = ("first", "length", "page", "row")

    def __init__(self, page: Page, row: int, first: int, raw: str):
        self.page = page
        self.row = row
        self.first = first
        self.length = len(raw)
        self.plain = raw[0] not in "'\""
        self.text = raw if self.plain else raw[1:-1]

    def __getattr__(self, name: str) -> Any:
        if name in _MARKS:
            self.start = self.page.span(self.row, VALUE)[0] + self.first
            self.stop = self.start + self.length
            self.line, self.column = self.row + 1, self.start - self.page.start(self.row) + 1
            self.tag = None
        return object.__getattribute__(self, name)


class RowList(SequenceNode):
    """A list of one line: `[0.9, 0.98]`."""

    __slots__ = ("page", "raw", "row")

    def __init__(self, page: Page, row: int, raw: str):
        self.page = page
        self.row = row
        self.raw = raw

    def __getattr__(self, name: str) -> Any:
        if name == "items":
            found = item_pattern().finditer(self.raw, 1, len(self.raw) - 1)
            self.items = [RowItem(self.page, self.row, match.start(), match[0]) for match in found]
        elif name in _MARKS:
            self.start, self.stop = self.page.span(self.row, VALUE)
            self.line, self.column = self.row + 1, self.start - self.page.start(self.row) + 1
            self.tag = None
        return object.__getattribute__(self, name)


class RowSequence(SequenceNode):
    """A list of lines: `- adamw`."""

    __slots__ = ("indent", "page", "row")

    def __init__(self, page: Page, row: int, indent: int):
        self.page = page
        self.row = row
        self.indent = indent
        self.items = []

    def __getattr__(self, name: str) -> Any:
        if name in _MARKS:
            _mark_block(self, self.items[-1])
        return object.__getattribute__(self, name)


class RowMapping(MappingNode):
    """A block mapping, by its first line; ``entries`` are its values by name."""

    __slots__ = ("entries", "indent", "page", "row", "rows")

    def __init__(self, page: Page, row: int, indent: int):
        self.page = page
        self.row = row
        self.indent = indent
        self.entries: dict[str, AnyNode] = {}
        self.rows: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        if name == "items":
            self.items = [(self._key(name), value) for name, value in self.entries.items()]
        elif name == "merged":
            self.merged = []
        elif name == "_pairs":
            self._pairs = None
        elif name in _MARKS:
            _mark_block(self, next(reversed(self.entries.values())))
        return object.__getattribute__(self, name)

    def _key(self, name: str) -> ScalarNode:
        value = self.entries[name]
        row = value.row if type(value) is RowScalar or type(value) is RowList else self.rows[name]
        return RowScalar(self.page, row, name, KEY)

    def get(self, name: str) -> tuple[ScalarNode, AnyNode] | None:
        value = self.entries.get(name)
        return None if value is None else (self._key(name), value)

    def children(self) -> list[tuple[str, AnyNode]]:
        return list(self.entries.items())


def _mark_block(node: RowSequence | RowMapping, last: AnyNode) -> None:
    node.line, node.column, node.tag = node.row + 1, node.indent + 1, None
    node.start, node.stop = node.page.start(node.row) + node.indent, last.stop


def tree_of(page: Page, lines: Sequence[Line | None]) -> RowMapping | None:
    """The root of the tree that these lines make, None where the real parser is needed: also for every error."""
    root: RowMapping | None = None
    here: RowMapping | RowSequence | None = None
    width = -1  # of `here`
    above: list[RowMapping | RowSequence] = []  # what `here` stands in
    name, opened = "", 0  # the last entry and its line, if its value may follow on the next lines
    for row, line in enumerate(lines):
        if line is None:
            continue
        _, _, indent, dash, key, value = line
        if indent != width or (dash and type(here) is RowMapping) or (not dash and type(here) is RowSequence):
            # Not one more entry of the innermost block.
            deeper = indent > width or (indent == width and dash and name and type(here) is RowMapping)
            if deeper:
                if root is not None and (not name or len(above) >= DEEPEST):
                    return None
                new: RowMapping | RowSequence
                new = RowSequence(page, row, indent) if dash else RowMapping(page, row, indent)
                if here is not None:
                    assert type(here) is RowMapping
                    here.rows[name] = opened
                    here.entries[name] = new
                    above.append(here)
                elif isinstance(new, RowSequence):
                    return None
                else:
                    root = new
                here, width = new, indent
            else:
                while above and (width > indent or (width == indent and type(here) is RowSequence and not dash)):
                    here = above.pop()
                    width = here.indent
                if width != indent or (type(here) is RowSequence) != bool(dash):
                    return None
        if dash:
            assert isinstance(here, RowSequence)
            if not key:
                if not value:
                    return None
                here.items.append(_value(page, row, value))
                name = ""
                continue
            item = RowMapping(page, row, indent + dash)
            here.items.append(item)
            above.append(here)
            here, width = item, item.indent
        assert isinstance(here, RowMapping)
        if key in here.entries:
            return None
        here.entries[key] = _value(page, row, value)
        name, opened = ("", 0) if value else (key, row)
    return root


def starts_of(page: Page, row: int, line: Line) -> list[int]:
    """The offsets of a line's words."""
    begin = page.span(row, VALUE)[0]
    if line.value[:1] != "[":
        return [begin]
    return [begin + match.start() for match in item_pattern().finditer(line.value, 1, len(line.value) - 1)] or [begin]


def _value(page: Page, row: int, value: str) -> RowScalar | RowList:
    return RowList(page, row, value) if value[:1] == "[" else RowScalar(page, row, value)
