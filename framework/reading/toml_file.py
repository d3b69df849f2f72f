"""TOML to nodes: the values as the standard library reads them, their places from a scan of the same text.

The scan runs only over text that `tomllib` has accepted, and every value that it finds is held to `tomllib`'s.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.marks import LazyLines, Lines, SpanMapping, SpanScalar, SpanSequence
from framework.reading.nodes import AnyNode, Document, MappingNode, ScalarNode, SequenceNode
from framework.reading.scalars import Rules

SUFFIXES = (".toml",)
READERS = ("toml",)
DEEPEST = 100

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_SPACE = re.compile(r"[ \t]*+")
_KEY = re.compile(r"""([A-Za-z0-9_-]++)|"((?:[^"\\\n]++|\\.)*+)"|'([^'\n]*+)'""")
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+"{3,5}'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}"
    r"""|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'"""
)
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} (?=[0-9]{2}:)[^\s,#\]}]++|[^\s,#\]}]++")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read(path: FilePath, shown: str, reader: Rules, bases: Sequence[str] = ()) -> Document:
    """The format's entry; ``bases`` are the keys under which such a file names others that it is laid over.

    Raises:
        InputError: it cannot be read, is not TOML, or is nested too deeply.
    """
    document = parse_toml(read_text(path, shown), shown, reader)
    if any(key in document.text for key in bases):
        from framework.reading.layers.base_files import over_bases

        return over_bases(document, path, bases, lambda base, name: parse_toml(read_text(base, name), name, reader))
    return document


def parse_toml(text: str, shown: str, reader: Rules = "toml") -> Document:
    """As :func:`read`, for text."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise _refused(problem, text, shown) from None
    except RecursionError:
        raise InputError.at(Location(shown, 1, 1), f"nested deeper than {DEEPEST} levels") from None
    except ValueError as problem:  # an integer of thousands of digits, a date that does not exist
        raise InputError.at(Location(shown, 1, 1), f"not TOML that can be read: {problem}") from None
    document = Document(shown, text, None, reader, format="toml")
    if data:
        document.root = _Scan(document).tree()
        if not _agree(document.root, data):
            raise InputError.at(
                Location(shown, 1, 1),
                "the places of its values could not be found (an error of this program)",
                "please report the file, or write the table in a plainer way",
            )
    return document


def _refused(problem: tomllib.TOMLDecodeError, text: str, shown: str) -> InputError:
    message = str(problem)
    place = _PLACE.search(message)
    line, column = 1, 1
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    elif place:
        line, column = Lines(text).at(len(text))
    said = message[: place.start()] if place else message
    advice = "keep one" if "overwrite" in said or "twice" in said else None
    return InputError.at(Location(shown, line, column), f"not TOML: {said[:1].lower()}{said[1:]}", advice)


class _Scan:
    """Nodes for a text that is known to be TOML."""

    def __init__(self, document: Document):
        self.file = document.file
        self.text = document.text
        self.lines = LazyLines(self.text)
        self.position = 0

    def tree(self) -> MappingNode:
        root = SpanMapping(self.lines, 0)
        root.stop = len(self.text.rstrip())
        table: MappingNode = root
        while True:
            self.position = _BLANK.match(self.text, self.position).end()  # type: ignore[union-attr]
            if self.position >= len(self.text):
                return root
            if self.text[self.position] == "[":
                table = self._header(root)
            else:
                self._entry(table, 0)
                table.stop = max(table.stop, self.position)

    def _skip(self) -> str:
        """Past spaces; the next character."""
        self.position = _SPACE.match(self.text, self.position).end()  # type: ignore[union-attr]
        return self.text[self.position : self.position + 1]

    def _key(self) -> list[ScalarNode]:
        """The parts of a key, `a."b c".d`."""
        parts: list[ScalarNode] = []
        while True:
            self._skip()
            match = _KEY.match(self.text, self.position)
            if match is None:
                raise self._lost()
            name = match[0] if match[1] else match[3] if match[2] is None else match[2]
            if match[2] and "\\" in match[2]:
                name = tomllib.loads(f"x = {match[0]}")["x"]
            parts.append(self._scalar(match.start(), match.end(), name or "", bool(match[1])))
            self.position = match.end()
            if self._skip() != ".":
                return parts
            self.position += 1

    def _header(self, root: MappingNode) -> MappingNode:
        start = self.position
        several = self.text.startswith("[[", start)
        self.position += 2 if several else 1
        *above, last = self._key()
        table = root
        for key in above:
            table = self._table(table, key)
        self.position += 2 if several else 1
        if not several:
            return self._table(table, last)
        listed = table.get(last.text)
        new = SpanMapping(self.lines, start)
        if listed is None:
            items: SequenceNode = SpanSequence(self.lines, start)
            table.add(last, items)
        else:
            assert isinstance(listed[1], SequenceNode)
            items = listed[1]
        items.items.append(new)
        return new

    def _table(self, parent: MappingNode, key: ScalarNode) -> MappingNode:
        """The table under a key: the one that is there, the last one of a list of tables, or a new one."""
        found = parent.get(key.text)
        if found is None:
            new = SpanMapping(self.lines, key.start)
            parent.add(key, new)
            return new
        node = found[1].items[-1] if isinstance(found[1], SequenceNode) else found[1]
        if not isinstance(node, MappingNode):
            raise self._lost()
        return node

    def _entry(self, table: MappingNode, depth: int) -> None:
        *above, last = self._key()
        for key in above:
            table = self._table(table, key)
        self.position += 1  # the equals sign
        self._skip()
        table.add(last, self._value(depth))

    def _value(self, depth: int) -> AnyNode:
        if depth > DEEPEST:
            raise InputError.at(
                Location(self.file, *self.lines.at(self.position)), f"nested deeper than {DEEPEST} levels"
            )
        start, first = self.position, self.text[self.position : self.position + 1]
        if first and first in "\"'":
            match = _STRING.match(self.text, start)
        elif first == "[":
            return self._list(depth)
        elif first == "{":
            return self._inline(depth)
        else:
            match = _PLAIN.match(self.text, start)
        if match is None:
            raise self._lost()
        self.position = match.end()
        return self._scalar(start, self.position, match[0], first not in "\"'")

    def _list(self, depth: int) -> SequenceNode:
        node = SpanSequence(self.lines, self.position)
        self.position += 1
        while True:
            self.position = _BLANK.match(self.text, self.position).end()  # type: ignore[union-attr]
            character = self.text[self.position : self.position + 1]
            if character == "]":
                break
            if character == ",":
                self.position += 1
                continue
            node.items.append(self._value(depth + 1))
        self.position += 1
        node.stop = self.position
        return node

    def _inline(self, depth: int) -> MappingNode:
        node = SpanMapping(self.lines, self.position)
        self.position += 1
        while (character := self._skip()) != "}":
            if character == ",":
                self.position += 1
                continue
            self._entry(node, depth + 1)
        self.position += 1
        node.stop = self.position
        return node

    def _scalar(self, start: int, stop: int, text: str, plain: bool) -> ScalarNode:
        return SpanScalar(self.lines, start, stop, text, plain)

    def _lost(self) -> InputError:
        return InputError.at(Location(self.file, *self.lines.at(self.position)), "not TOML that this reader knows")


def _agree(node: AnyNode, data: Any) -> bool:
    """Whether the scan found what `tomllib` did; strings take their text from it."""
    if isinstance(node, MappingNode):
        pairs = node.pairs()
        return (
            isinstance(data, dict)
            and len(pairs) == len(data)
            and all(name in pairs and _agree(pairs[name][1], value) for name, value in data.items())
        )
    if isinstance(node, SequenceNode):
        return (
            isinstance(data, list)
            and len(node.items) == len(data)
            and all(_agree(item, value) for item, value in zip(node.items, data, strict=True))
        )
    if isinstance(data, str):
        if node.plain or ("\\" not in node.text and node.text[1:-1] != data and node.text[:3] not in ('"""', "'''")):
            return False
        node.text = data
        return True
    if type(data) is bool:
        return node.text == ("true" if data else "false")
    if type(data) is int:
        return node.plain and int(node.text, 0) == data
    if type(data) is float:
        return node.plain and (float(node.text.replace("_", "")) == data or data != data)
    return node.plain and bool(tomllib.loads(f"x = {node.text}")["x"] == data)
