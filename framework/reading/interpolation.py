"""OmegaConf's interpolations, resolved where the file itself holds the answer: `${a.b}`, `${..x}`, `lr_${lr}`.

What depends on anything else (the environment, a resolver that a program registers, a key of another file) becomes an
:class:`~framework.reading.tree.Opaque`: no one looked at it, and so it is never a pass.
"""

from __future__ import annotations

import re
from typing import Any

from framework.errors import InputError
from framework.names import Path
from framework.reading.interpolation_text import KEY, PART, RESOLVER, Unknown, literal_of, split, unquoted
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode
from framework.reading.scalars import resolve

DEEPEST = 32
"""References that lead from one to the next."""
DEEPEST_TREE = 100
"""Levels of nesting, with what references add."""
LONGEST = 10_000
"""Characters of a resolved text."""
LARGEST_EXPANSION = 1_000_000
MOST_COLLECTIONS = 1_000
"""References to whole mappings or lists in one file."""


def interpolate(document: Document) -> None:
    """Put in place of every interpolated scalar what it stands for.

    Raises:
        InputError: references to references expand beyond all measure.
    """
    if document.root is None:
        return
    roots: list[AnyNode] = [document.root]
    if document.several and isinstance(document.root, SequenceNode):
        roots = document.root.items
    for root in roots:
        _Interpolation(document, root).run()


class _Interpolation:
    def __init__(self, document: Document, root: AnyNode):
        self.document = document
        self.root = root
        self.done: dict[Path, AnyNode] = {}
        self.shared: set[int] = set()
        self.collections = 0

    def run(self) -> None:
        containers = self._containers()
        for node, path in containers:
            if isinstance(node, MappingNode):
                changed = [(key, self._known(value, (*path, key.text), id(node))) for key, value in node.items]
                if any(new is not old for (_, new), (_, old) in zip(changed, node.items, strict=True)):
                    node.items = changed
            else:
                node.items = [self._known(item, (*path, index), id(node)) for index, item in enumerate(node.items)]
        for node, _ in containers:
            if isinstance(node, MappingNode):
                node._pairs = None
        if isinstance(self.root, ScalarNode) and "${" in self.root.text and self.document.root is self.root:
            self.document.root = ComputedNode(self.root, self.root.text, Opaque(self.root.text))
        if self.collections:
            self._measure(self.root, {}, set())

    def _containers(self) -> list[tuple[MappingNode | SequenceNode, Path]]:
        found: list[tuple[MappingNode | SequenceNode, Path]] = []
        visited: set[int] = set()
        pending: list[tuple[AnyNode, Path]] = [(self.root, ())]
        for node, path in pending:  # grows while it is gone through
            if isinstance(node, ScalarNode):
                continue
            if id(node) in visited:
                self.shared.add(id(node))
                continue
            visited.add(id(node))
            found.append((node, path))
            if isinstance(node, MappingNode):
                pending += [(value, (*path, key.text)) for key, value in node.items]
                pending += [(source, path) for source in node.merged]
                self.shared.update(id(source) for source in node.merged)
            else:
                pending += [(item, (*path, index)) for index, item in enumerate(node.items)]
        return found

    def _known(self, node: AnyNode, path: Path, parent: int) -> AnyNode:
        if type(node) is not ScalarNode or "${" not in node.text:
            return node
        relative = re.search(r"\$\{\s*\.", node.text) is not None
        if relative and parent in self.shared:
            return self._computed(node, Opaque(node.text, "it stands in several places through an anchor"))
        return self._resolved(node, path, ())

    def _resolved(self, node: AnyNode, path: Path, trail: tuple[Path, ...]) -> AnyNode:
        """The node that a value at a path stands for: itself, what it refers to, or a computed one."""
        if type(node) is not ScalarNode or "${" not in node.text:
            return node
        if path in self.done:
            return self.done[path]
        try:
            if path in trail or len(trail) >= DEEPEST:
                raise Unknown("it refers to itself" if path in trail else "a long chain of references")
            found = self._meaning(node, path, (*trail, path))
        except Unknown as problem:
            opaque = Opaque(node.text, str(problem), problem.default)
            found = self._computed(node, opaque)
        if path not in trail:
            self.done[path] = found
        return found

    def _meaning(self, node: ScalarNode, path: Path, trail: tuple[Path, ...]) -> AnyNode:
        pieces = split(node.text)
        if len(pieces) == 1 and pieces[0][0]:
            found = self._answer(pieces[0][1], path, trail)
            if isinstance(found, ScalarNode):
                return self._computed(node, self._value(found), self.document.origin(found))
            if isinstance(found, (MappingNode, SequenceNode)):
                return self._collection(found, path)
            return self._computed(node, found[0])
        text = ""
        for interpolated, piece in pieces:
            text += self._text(self._answer(piece, path, trail)) if interpolated else piece
            if len(text) > LONGEST:
                raise Unknown("the text that it makes is very long")
        return self._computed(node, text)

    def _collection(self, found: MappingNode | SequenceNode, path: Path) -> AnyNode:
        """A whole mapping or list, unless it holds the place that refers to it."""
        self.collections += 1
        if self.collections > MOST_COLLECTIONS:
            raise Unknown("more references to whole mappings than are followed")
        if any(self._at(path[:length]) is found for length in range(len(path))):
            raise Unknown("it refers to what it stands in")
        return found

    def _at(self, path: Path) -> AnyNode | None:
        node: AnyNode | None = self.root
        for part in path:
            node = _child(node, part)
        return node

    def _value(self, node: ScalarNode) -> Any:
        value = self.document.home(node).value(node)
        if isinstance(value, Opaque):
            raise Unknown(value.reason or f"it is {value.tag}", value.default)
        return value

    def _text(self, found: AnyNode | tuple[Any]) -> str:
        if isinstance(found, (MappingNode, SequenceNode)):
            raise Unknown("a mapping or a list inside a text")
        return str(self._value(found) if isinstance(found, ScalarNode) else found[0])

    def _computed(self, node: ScalarNode, value: Any, origin: AnyNode | None = None) -> ComputedNode:
        new = ComputedNode(node, node.text, value, origin=origin)
        home = self.document.home(node)
        if home is not self.document:
            self.document.homes[id(new)] = home
            self.document.kept.append(new)
        return new

    def _answer(self, inner: str, path: Path, trail: tuple[Path, ...]) -> AnyNode | tuple[Any]:
        """What one `${...}` stands for: a node of the file, or a value in a tuple of one."""
        if "${" in inner:
            pieces = split(inner)
            inner = "".join(
                self._text(self._answer(piece, path, trail)) if nested else piece for nested, piece in pieces
            )
        inner = inner.strip()
        key = KEY.fullmatch(inner)
        if key is not None:
            return self._lookup(key, path, trail)
        resolver = RESOLVER.fullmatch(inner)
        if resolver is None:
            raise Unknown("not an interpolation that is understood")
        return self._resolver(resolver[1], [part.strip() for part in resolver[2].split(",", 1)], path, trail)

    def _lookup(self, key: re.Match[str], path: Path, trail: tuple[Path, ...]) -> AnyNode:
        dots = len(key[1])
        if dots > len(path):
            raise Unknown("it leads out of the file")
        here: Path = path[:-dots] if dots else ()
        node = self._at(here)
        for bracket, plain in PART.findall(key[2]):
            part = bracket.strip("'\"") or plain
            node = _child(node, part)
            if node is None:
                raise Unknown(f"this file has no {key[2]}")
            here = (*here, int(part) if part.isdigit() and isinstance(self._at(here), SequenceNode) else part)
            node = self._resolved(node, here, trail)
        assert node is not None
        return node

    def _resolver(self, name: str, arguments: list[str], path: Path, trail: tuple[Path, ...]) -> AnyNode | tuple[Any]:
        if name == "oc.env":
            raise Unknown("the environment decides", unquoted(arguments[1]) if len(arguments) > 1 else None)
        if name == "oc.decode":
            return (resolve(unquoted(",".join(arguments)), "omegaconf"),)
        if name == "oc.select" and (key := KEY.fullmatch(unquoted(arguments[0]))) is not None:
            try:
                return self._lookup(key, path, trail)
            except Unknown:
                if len(arguments) == 1 or self.document.homes:
                    raise
                return (literal_of(arguments[1]),)
        raise Unknown(f"only its own program knows the resolver {name}")

    def _measure(self, node: AnyNode, sizes: dict[int, int], open_: set[int]) -> int:
        """The number of values below a node, references counted as often as they are used."""
        if isinstance(node, ScalarNode):
            return 1
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_:
            raise InputError.at(self.document.location(node), "mappings that refer to each other in a circle")
        if len(open_) > DEEPEST_TREE:
            raise InputError.at(self.document.location(node), f"nested deeper than {DEEPEST_TREE} levels")
        open_.add(id(node))
        below = [value for _, value in node.children()] if isinstance(node, MappingNode) else node.items
        total = 1 + sum(self._measure(child, sizes, open_) for child in below)
        open_.discard(id(node))
        if total > LARGEST_EXPANSION:
            message = f"expands to more than {LARGEST_EXPANSION:,} values through its references"
            raise InputError.at(self.document.location(node), message)
        sizes[id(node)] = total
        return total


def _child(node: AnyNode | None, part: str | int) -> AnyNode | None:
    if isinstance(node, MappingNode):
        pair = node.get(str(part))
        return pair[1] if pair else None
    if isinstance(node, SequenceNode):
        index = int(part) if isinstance(part, int) or part.isdecimal() else -1
        return node.items[index] if 0 <= index < len(node.items) else None
    return None
