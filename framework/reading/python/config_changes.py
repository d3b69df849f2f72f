"""What a Python config does to values that stand already: `_base_.a[1].end = 5`, `del _base_.model`, `x.update()`.

What is set for certain is known; of what a method changes, or what is set where that may not happen, nothing is.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from framework.names import Path
from framework.reading.layers.merging import obscure, put, settle
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode
from framework.reading.python.literals import Values
from framework.reading.python.offsets import Marks
from framework.reading.python.paths import place_of

_CHANGING = frozenset({"update", "append", "extend", "insert", "pop", "setdefault", "clear", "remove", "merge"})


class Change(NamedTuple):
    """What is done to the value at a path: it is given ``node``, taken away (``gone``), or changed in a way that is
    not known."""

    path: Path
    at: ast.stmt
    node: AnyNode | None = None
    gone: bool = False


class Source:
    """The statements of a Python config, parsed once more."""

    def __init__(self, document: Document):
        self.document = document
        self.marks = Marks(document.text, Lines(document.text, bare_returns=True))
        self.values = Values(document, self.marks)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.module = ast.parse(document.text)

    def assigned(self, name: str) -> AnyNode | None:
        """What a name of the module is first given."""
        for statement in self.module.body:
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == name:
                return self.values.node(statement.value)
        return None

    def changes(self) -> list[Change]:
        """What the module's statements change, in their order."""
        return list(self._changes(self.module.body, True))

    def _changes(self, body: list[ast.stmt], certain: bool) -> Iterator[Change]:
        for statement in body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                path, whole = _known(statement.targets[0])
                if not whole or len(path) > 1:
                    node = self.values.node(statement.value) if certain and whole else None
                    yield from self._one(path, statement, node)
            elif isinstance(statement, ast.AugAssign):
                yield from self._one(_known(statement.target)[0], statement)
            elif isinstance(statement, ast.Delete):
                for target in statement.targets:
                    path, whole = _known(target)
                    yield from self._one(path, statement, gone=certain and whole)
            elif isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
                function = call.func
                if isinstance(function, ast.Attribute) and function.attr in _CHANGING:
                    yield from self._one(_known(function.value)[0], statement)
            elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for name in ("body", "orelse", "finalbody"):
                    yield from self._changes(getattr(statement, name, []), False)

    def _one(self, path: Path, at: ast.stmt, node: AnyNode | None = None, gone: bool = False) -> Iterator[Change]:
        if path:
            yield Change(path, at, node, gone)


def _known(target: ast.expr) -> tuple[Path, bool]:
    """The place that is changed, as far as its names tell (`pipeline` of `pipeline[-1].size`), and whether they tell
    all of it."""
    whole = True
    while (path := place_of(target)) is None:
        if not isinstance(target, (ast.Attribute, ast.Subscript)):
            return (), False
        target, whole = target.value, False
    return path, whole


def apply(result: Document, root: MappingNode, path: Path, change: Change, source: Document) -> None:
    """Make a change to the tree below ``root``, of the document ``result``; ``source`` is the file that makes it."""
    above: AnyNode | None = root
    for part in path[:-1]:
        above = _child(above, part)
    name = path[-1]
    if isinstance(above, SequenceNode) and isinstance(name, int) and -len(above.items) <= name < len(above.items):
        above.items[name] = _changed(result, above.items[name], change, source)
    elif isinstance(above, MappingNode):
        found = above.get(str(name))
        if change.gone:
            above.items = [(key, value) for key, value in above.items if key.text != str(name)]
            above._pairs = None
        elif found is not None:
            put(above, found[0], _changed(result, found[1], change, source))
        elif change.node is not None:
            at = change.node
            put(above, ScalarNode(at.line, at.column, at.start, at.stop, None, str(name), True), at)
            settle(result, source, above.items[-1][0], at)


def _changed(result: Document, old: AnyNode, change: Change, source: Document) -> AnyNode:
    if change.node is not None:
        settle(result, source, change.node)
        return change.node
    reason = f"{source.file}:{change.at.lineno} changes it"
    if isinstance(old, MappingNode):
        obscure(result, old, reason)
        return old
    if isinstance(old, SequenceNode) and old.items:  # in its place, for all names that it has
        old.items = [_changed(result, item, change, source) for item in old.items]
        return old
    text = old.text if isinstance(old, ScalarNode) else "a list"
    unknown = ComputedNode(old, text, Opaque(text, reason), origin=old)
    if (home := result.home(old)) is not result:
        result.homes[id(unknown)] = home
        result.kept.append(unknown)
    return unknown


def _child(node: AnyNode | None, part: str | int) -> AnyNode | None:
    if isinstance(node, MappingNode):
        pair = node.get(str(part))
        return pair[1] if pair else None
    if isinstance(node, SequenceNode) and isinstance(part, int) and -len(node.items) <= part < len(node.items):
        return node.items[part]
    return None
