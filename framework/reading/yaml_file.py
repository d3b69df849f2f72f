"""YAML (and so JSON) to nodes, from the parser's events: every value keeps its place.

PyYAML's loaders give no positions, and its constructors would run what a tag asks for; only its parser is used.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import yaml

from framework.errors import InputError
from framework.locations import Location
from framework.names import Path
from framework.reading.nodes import AnyNode, Document, Duplicate, MappingNode, ScalarNode, SequenceNode
from framework.reading.scalars import Rules
from framework.reading.text import read_text

DEEPEST = 100
"""Levels of nesting above which a file is refused."""
LARGEST_EXPANSION = 1_000_000
"""Nodes above which a file is refused, aliases counted as often as they are used (a 'YAML bomb')."""

_Parser: Any = getattr(yaml, "CParser", None) or yaml.SafeLoader


def read_yaml(path: FilePath, shown: str, rules: Rules = "yaml-1.2") -> Document:
    """Parse one YAML or JSON file.

    Raises:
        InputError: it cannot be read, is not YAML, holds several documents, or expands beyond all measure.
    """
    return parse_yaml(read_text(path, shown), shown, rules)


def parse_yaml(text: str, shown: str, rules: Rules = "yaml-1.2") -> Document:
    """As :func:`read_yaml`, for text."""
    builder = _Builder(shown)
    parser = None
    try:
        parser = _Parser(text)
        while (event := parser.get_event()) is not None:
            builder.take(event)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = Location(shown, mark.line + 1, mark.column + 1) if mark else Location(shown, 1, 1)
        raise InputError.at(where, *_explained(problem, text, where)) from None
    except yaml.YAMLError as problem:
        raise InputError.at(_place_of(text, problem, shown), f"not YAML: {_first_line(problem)}") from None
    finally:
        if parser is not None:
            parser.dispose()
    return Document(shown, text, builder.root, rules, builder.duplicates)


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0]


def _place_of(text: str, problem: yaml.YAMLError, shown: str) -> Location:
    position = getattr(problem, "position", None)
    if not isinstance(position, int) or position < 0:
        return Location(shown, 1, 1)
    before = text.encode("utf-8")[:position].decode("utf-8", "ignore")
    return Location(shown, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _explained(problem: yaml.MarkedYAMLError, text: str, where: Location) -> tuple[str, str | None]:
    lines = text.split("\n")
    line = lines[where.line - 1] if where.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return "a tab in the indentation: YAML allows only spaces there", "replace the tab by spaces"
    message = problem.problem or "cannot be parsed"
    context = f" {problem.context}" if problem.context else ""
    return f"not YAML: {message}{context}", None


class _Builder:
    """Turns events into nodes; holds nesting and expansion to their bounds."""

    def __init__(self, shown: str):
        self.shown = shown
        self.root: AnyNode | None = None
        self.duplicates: list[Duplicate] = []
        self._open: list[tuple[AnyNode, str | None, Path]] = []
        self._keys: list[ScalarNode | None] = []
        self._seen: list[dict[str, ScalarNode]] = []
        self._sizes: list[int] = []
        self._anchors: dict[str, tuple[AnyNode, int]] = {}
        self._documents = 0
        self._total = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            start, end = event.start_mark, event.end_mark
            tag = None if any(event.implicit) else event.tag
            node = ScalarNode(
                start.line + 1, start.column + 1, start.index, end.index, tag, event.value, event.implicit[0]
            )
            self._place(node, event.anchor, 1)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            start = event.start_mark
            tag = None if event.implicit else event.tag
            make = MappingNode if kind is yaml.MappingStartEvent else SequenceNode
            if len(self._open) >= DEEPEST:
                raise self._error(start, f"nested deeper than {DEEPEST} levels")
            if self._is_key_position():
                raise self._error(start, "a key that is not a scalar")
            self._open.append(
                (make(start.line + 1, start.column + 1, start.index, start.index, tag), event.anchor, self._path())
            )
            self._keys.append(None)
            self._seen.append({})
            self._sizes.append(1)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            ended, anchor, _ = self._open.pop()
            ended.stop = event.end_mark.index
            self._keys.pop()
            self._seen.pop()
            self._place(ended, anchor, self._sizes.pop())
        elif kind is yaml.AliasEvent:
            if event.anchor not in self._anchors:
                raise self._error(event.start_mark, f"the alias *{event.anchor} has no anchor before it")
            shared, size = self._anchors[event.anchor]
            self._place(shared, None, size, mark=event.start_mark)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise self._error(event.start_mark, "a second document in one file: only one is read")

    def _error(self, mark: Any, message: str) -> InputError:
        return InputError.at(Location(self.shown, mark.line + 1, mark.column + 1), message)

    def _path(self) -> Path:
        if not self._open:
            return ()
        parent, _, path = self._open[-1]
        if isinstance(parent, SequenceNode):
            return (*path, len(parent.items))
        key = self._keys[-1]
        return (*path, key.text) if key is not None else path

    def _is_key_position(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0], MappingNode) and self._keys[-1] is None

    def _place(self, node: AnyNode, anchor: str | None, size: int, mark: Any = None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if self._sizes:
            self._sizes[-1] += size
        self._total = self._sizes[-1] if self._sizes else size
        if self._total > LARGEST_EXPANSION:
            raise InputError.at(
                Location(self.shown, mark.line + 1 if mark else node.line, mark.column + 1 if mark else node.column),
                f"expands to more than {LARGEST_EXPANSION:,} values through its aliases",
            )
        if not self._open:
            self.root = node
            return
        parent, _, path = self._open[-1]
        if isinstance(parent, SequenceNode):
            parent.items.append(node)
            return
        assert isinstance(parent, MappingNode)
        key = self._keys[-1]
        if key is None:
            if not isinstance(node, ScalarNode):
                raise InputError.at(Location(self.shown, node.line, node.column), "a key that is not a scalar")
            self._keys[-1] = node
            return
        self._keys[-1] = None
        if key.text == "<<" and key.plain:
            self._merge(parent, key, node)
            return
        if key.text in self._seen[-1]:
            self.duplicates.append(Duplicate((*path, key.text), self._seen[-1][key.text], key))
        self._seen[-1].setdefault(key.text, key)
        parent.items.append((key, node))

    def _merge(self, parent: MappingNode, key: ScalarNode, node: AnyNode) -> None:
        sources = node.items if isinstance(node, SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, MappingNode):
                raise InputError.at(Location(self.shown, key.line, key.column), "`<<` merges only mappings")
            parent.merged.append(source)
