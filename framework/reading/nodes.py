"""A file as a tree that knows where each value stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from framework.locations import Location
from framework.names import Path, format_path
from framework.reading.scalars import Rules, resolve


class Opaque:
    """A value that only its own program can make: behind a custom tag."""

    def __init__(self, tag: str):
        self.tag = tag

    def __repr__(self) -> str:
        return f"<{self.tag}>"


@dataclass(slots=True)
class Node:
    """A value and the marks of its text (`line` and `column` from 1, `start` and `stop` in characters)."""

    line: int
    column: int
    start: int
    stop: int
    tag: str | None


@dataclass(slots=True)
class ScalarNode(Node):
    text: str
    plain: bool


@dataclass(slots=True)
class SequenceNode(Node):
    items: list[AnyNode] = field(default_factory=list)


@dataclass(slots=True)
class MappingNode(Node):
    """``items`` in file order; ``merged`` are the mappings that `<<` brings in, nearest first."""

    items: list[tuple[ScalarNode, AnyNode]] = field(default_factory=list)
    merged: list[MappingNode] = field(default_factory=list)

    def pairs(self) -> dict[str, tuple[ScalarNode, AnyNode]]:
        """Each key with its node and value; the last of a duplicate, and what `<<` adds."""
        found = {key.text: (key, value) for key, value in self.items}
        for other in self.merged:
            for name, pair in other.pairs().items():
                found.setdefault(name, pair)
        return found


AnyNode = ScalarNode | SequenceNode | MappingNode


@dataclass(slots=True)
class Duplicate:
    """A key that stands twice in one mapping."""

    path: Path
    first: ScalarNode
    second: ScalarNode


@dataclass(slots=True)
class Document:
    """One parsed file. ``file`` is its name in messages; ``root`` is None when it is empty."""

    file: str
    text: str
    root: AnyNode | None
    rules: Rules
    duplicates: list[Duplicate] = field(default_factory=list)

    def location(self, node: Node, path: Path = ()) -> Location:
        end = self.text.find("\n", node.start)
        width = min(node.stop, len(self.text) if end < 0 else end) - node.start
        return Location(self.file, node.line, node.column, format_path(path) if path else None, max(1, width))

    def value(self, node: AnyNode) -> Any:
        """The node as plain data, each scalar as the file's reader takes it."""
        if isinstance(node, ScalarNode):
            if node.tag is not None and node.tag not in CORE_TAGS:
                return Opaque(node.tag)
            if node.tag is not None and node.tag.startswith(CORE):
                return _tagged(node.text, node.tag.removeprefix(CORE), self.rules)
            return resolve(node.text, self.rules) if node.plain else node.text
        if node.tag is not None and node.tag not in CORE_TAGS:
            return Opaque(node.tag)
        if isinstance(node, SequenceNode):
            return [self.value(item) for item in node.items]
        return {name: self.value(value) for name, (_, value) in node.pairs().items()}

    def leaves(self) -> Iterator[tuple[Path, AnyNode]]:
        """Every scalar, and every empty mapping or sequence, with its path."""
        if self.root is not None:
            yield from _leaves(self.root, ())

    def walk(self, path: Path) -> tuple[ScalarNode | None, AnyNode] | None:
        """The key (None in a sequence, and for the root) and the value at a path, or None."""
        key: ScalarNode | None = None
        node = self.root
        for part in path:
            if isinstance(node, MappingNode) and isinstance(part, str):
                pair = node.pairs().get(part)
                if pair is None:
                    return None
                key, node = pair
            elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
                key, node = None, node.items[part]
            else:
                return None
        return None if node is None else (key, node)


CORE = "tag:yaml.org,2002:"
CORE_TAGS = {"!", *(CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))}


def _tagged(text: str, kind: str, rules: Rules) -> Any:
    if kind == "str":
        return text
    value = resolve(text, rules)
    return float(value) if kind == "float" and type(value) is int else value


def _leaves(node: AnyNode, path: Path) -> Iterator[tuple[Path, AnyNode]]:
    if isinstance(node, MappingNode):
        pairs = node.pairs()
        if pairs:
            for name, (_, value) in pairs.items():
                yield from _leaves(value, (*path, name))
            return
    elif isinstance(node, SequenceNode) and node.items:
        for index, item in enumerate(node.items):
            yield from _leaves(item, (*path, index))
        return
    yield path, node
