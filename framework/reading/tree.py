"""The nodes of a file's tree: each value with its place.

Every reader makes these nodes; `start` and `stop` are offsets in the text, so that `text[start:stop]` is the value's
own token, with its quotes, and a repair can put another in its place.
"""

from __future__ import annotations

from typing import Any

from framework.names import Path


class Opaque:
    """A value that only its own program can make: behind a custom tag, from the environment, computed.

    ``tag`` names it as the file does; ``reason`` says why it is not known; ``default`` is what the file itself says
    for the case that nothing else decides (`${LR:-1e-4}`), and :data:`UNSET` where it says nothing. ``each`` are all
    its values where it takes several, one after the other, as a loop's variable does; ``among`` are all that it may be,
    though not each need come; ``between`` are two numbers outside of which none of its values lies.
    """

    __slots__ = ("among", "between", "default", "each", "reason", "tag")

    def __init__(
        self,
        tag: str,
        reason: str = "",
        default: Any = None,
        has_default: bool = False,
        each: tuple[Any, ...] = (),
        between: tuple[float, float] | None = None,
        among: tuple[Any, ...] = (),
    ):
        self.tag = tag
        self.reason = reason
        self.each = each
        self.between = between
        self.among = among
        self.default: Any = default if has_default or default is not None else UNSET

    def __repr__(self) -> str:
        return f"<{self.tag}>"


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET = _Unset()
"""No value at all, where None would be one."""


class Node:
    """A value and the marks of its text (`line` and `column` from 1, `start` and `stop` in characters)."""

    __slots__ = ("column", "line", "start", "stop", "tag")

    line: int
    column: int
    start: int
    stop: int
    tag: str | None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.line}:{self.column})"


class ScalarNode(Node):
    """One value. ``plain`` says that the reader decides by its ``text`` what it is: nothing is quoted."""

    __slots__ = ("plain", "text")

    text: str
    plain: bool

    def __init__(self, line: int, column: int, start: int, stop: int, tag: str | None, text: str, plain: bool):
        self.line = line
        self.column = column
        self.start = start
        self.stop = stop
        self.tag = tag
        self.text = text
        self.plain = plain

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.line}:{self.column} {self.text!r})"


class ComputedNode(ScalarNode):
    """A scalar whose value its reader worked out: a variable's, a sum's, a flag's that is merely present.

    ``origin`` is the node that states the value, where that is another one; ``literal`` is whether the text of this
    node states it, so that it may be replaced there.
    """

    __slots__ = ("literal", "origin", "value")

    def __init__(self, at: Node, text: str, value: Any, *, origin: AnyNode | None = None, literal: bool = False):
        super().__init__(at.line, at.column, at.start, at.stop, None, text, False)
        self.value = value
        self.origin = origin
        self.literal = literal


class SequenceNode(Node):
    """A list."""

    __slots__ = ("items",)

    items: list[AnyNode]

    def __init__(
        self, line: int, column: int, start: int, stop: int, tag: str | None = None, items: list[AnyNode] | None = None
    ):
        self.line = line
        self.column = column
        self.start = start
        self.stop = stop
        self.tag = tag
        self.items = [] if items is None else items


class MappingNode(Node):
    """``items`` in file order; ``merged`` are the mappings that `<<` brings in, nearest first."""

    __slots__ = ("_pairs", "items", "merged")

    items: list[tuple[ScalarNode, AnyNode]]
    merged: list[MappingNode]
    _pairs: dict[str, tuple[ScalarNode, AnyNode]] | None

    def __init__(self, line: int, column: int, start: int, stop: int, tag: str | None = None):
        self.line = line
        self.column = column
        self.start = start
        self.stop = stop
        self.tag = tag
        self.items = []
        self.merged = []
        self._pairs = None

    def add(self, key: ScalarNode, value: AnyNode) -> None:
        """One more entry, while the file is being read."""
        self.items.append((key, value))
        if self._pairs is not None:
            self._pairs[key.text] = (key, value)

    def pairs(self) -> dict[str, tuple[ScalarNode, AnyNode]]:
        """Each key with its node and value; the last of a duplicate, and what `<<` adds."""
        if self._pairs is None:
            found = {pair[0].text: pair for pair in self.items}
            for other in self.merged:
                for name, pair in other.pairs().items():
                    found.setdefault(name, pair)
            self._pairs = found
        return self._pairs

    def get(self, name: str) -> tuple[ScalarNode, AnyNode] | None:
        """The key's node and the value under a name."""
        return self.pairs().get(name)

    def children(self) -> list[tuple[str, AnyNode]]:
        """Names and values, as :meth:`pairs` has them."""
        return [(name, pair[1]) for name, pair in self.pairs().items()]


AnyNode = ScalarNode | SequenceNode | MappingNode


class Duplicate:
    """A key that stands twice in one mapping, or an addition that one command gives twice."""

    __slots__ = ("first", "path", "second")

    def __init__(self, path: Path, first: ScalarNode, second: ScalarNode):
        self.path = path
        self.first = first
        self.second = second
