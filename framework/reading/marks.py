"""Lines and columns of offsets in a text, and nodes that work theirs out on the first question."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

from framework.locations import Location
from framework.reading.tree import MappingNode, Node, ScalarNode, SequenceNode

_NEWLINE = re.compile("\n")
_ANY_NEWLINE = re.compile("\r\n|\r|\n")


class Lines:
    """Where the lines of a text start. ``bare_returns``: whether a lone carriage return ends one, as in Python."""

    def __init__(self, text: str, bare_returns: bool = False):
        pattern = _ANY_NEWLINE if bare_returns and "\r" in text else _NEWLINE
        self.starts = [0, *(match.end() for match in pattern.finditer(text))]

    def at(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset, from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def node(self, start: int, stop: int) -> Node:
        """A node that only says where it stands."""
        node = Node()
        node.line, node.column = self.at(start)
        node.start, node.stop, node.tag = start, stop, None
        return node

    def location(self, file: str, offset: int) -> Location:
        return Location(file, *self.at(offset))


class LazyLines:
    """As :class:`Lines`, for a text of which perhaps nobody asks."""

    __slots__ = ("_lines", "text")

    def __init__(self, text: str):
        self.text = text
        self._lines: Lines | None = None

    def at(self, offset: int) -> tuple[int, int]:
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines.at(offset)


class SpanScalar(ScalarNode):
    """A scalar by its offsets."""

    __slots__ = ("lines",)

    def __init__(self, lines: LazyLines, start: int, stop: int, text: str, plain: bool):
        self.lines = lines
        self.start = start
        self.stop = stop
        self.tag = None
        self.text = text
        self.plain = plain

    def __getattr__(self, name: str) -> Any:
        return _mark(self, self.lines, name)


class SpanSequence(SequenceNode):
    """A list by its offsets."""

    __slots__ = ("lines",)

    def __init__(self, lines: LazyLines, start: int):
        self.lines = lines
        self.start = self.stop = start
        self.tag = None
        self.items = []

    def __getattr__(self, name: str) -> Any:
        return _mark(self, self.lines, name)


class SpanMapping(MappingNode):
    """A mapping by its offsets."""

    __slots__ = ("lines",)

    def __init__(self, lines: LazyLines, start: int):
        self.lines = lines
        self.start = self.stop = start
        self.tag = None
        self.items = []
        self.merged = []
        self._pairs = None

    def __getattr__(self, name: str) -> Any:
        return _mark(self, self.lines, name)


def _mark(node: Node, lines: LazyLines, name: str) -> Any:
    """Called for a slot that nothing has filled yet."""
    if name == "line" or name == "column":
        node.line, node.column = lines.at(node.start)
    return object.__getattribute__(node, name)
