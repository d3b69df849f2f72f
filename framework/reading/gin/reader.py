"""Gin files to nodes, as gin-config 0.5.0 reads them (`gin/config_parser.py`, `gin/config.py`).

`AdamW.lr = 1e-3` is `lr` of `AdamW`, `train/AdamW.lr` of `train/AdamW`, in one scope alone; `LR = 1e-3` is a macro,
which `%LR` stands for wherever it is set. Of two bindings the later one counts, those of an `include` in its place.
What `@function` gives only the program knows. A caller's own argument goes before a binding, which no file tells.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path as FilePath

from framework.errors import InputError
from framework.reading.decoding import read_text
from framework.reading.gin.gin_tokens import Cursor, Reference, tokens_of
from framework.reading.layers.base_files import DEEPEST, MISSING
from framework.reading.layers.merging import obscure, put, settle
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Note, Opaque, ScalarNode, SequenceNode
from framework.reading.scalars import Rules

SUFFIXES = (".gin",)
READERS = ("gin",)


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read, a statement of it is none of gin's, or its includes lead in a circle.
    """
    return parse_gin(read_text(path, shown), shown, path, reader)


def parse_gin(text: str, shown: str, path: FilePath, reader: Rules = "gin") -> Document:
    """As :func:`read`, for text."""
    root = MappingNode(1, 1, 0, len(text))
    document = Document(shown, text, root, reader, format="gin")
    _File(document, document, path, (path.resolve(),)).run()
    _resolve(document, root, root)
    if not root.items:
        document.root = None
    return document


class _File:
    """Goes through the statements of one file, and of those that it includes."""

    def __init__(self, result: Document, own: Document, path: FilePath, trail: tuple[FilePath, ...]):
        self.result = result
        self.own = own
        self.path = path
        self.trail = trail

    def run(self) -> None:
        lines = Lines(self.own.text)
        tokens = tokens_of(self.own)
        cursor = Cursor(tokens, self.own, lines)
        while (key := cursor.selector()) is not None:
            if key.text in ("import", "from"):
                cursor.skip_line()
            elif key.text == "include":
                self._include(cursor.value())
                cursor.end()
            elif cursor.takes(":"):
                for name, value in cursor.block():
                    self._bind(key, key.text, name, value)
            else:
                cursor.expects("=")
                value = cursor.value()
                cursor.end()
                selector, _, argument = key.text.rpartition(".")
                self._bind(key, selector, _part(key, len(key.text) - len(argument)), value)

    def _bind(self, at: ScalarNode, selector: str, key: ScalarNode, value: AnyNode) -> None:
        assert isinstance(self.result.root, MappingNode)
        target = self.result.root
        if selector:
            found = target.get(selector)
            if found is None or not isinstance(found[1], MappingNode):
                inner = MappingNode(at.line, at.column, at.start, value.stop)
                name = _part(at, 0, len(selector))
                put(target, name, inner)
                settle(self.result, self.own, name, inner)
                target = inner
            else:
                target = found[1]
        put(target, key, value)
        settle(self.result, self.own, key, value)

    def _include(self, node: AnyNode) -> None:
        word = self.own.value(node)
        assert isinstance(self.result.root, MappingNode)
        if not isinstance(word, str):
            raise InputError.at(self.own.location(node), "not gin: `include` names a file, in quotes")
        # Gin looks in the folder it is started in, which is one above the file, or in folders that a program adds.
        places = [folder / word for folder in [self.path.parent, *list(self.path.absolute().parents)[1:6]]]
        found = next((place for place in places if os.path.isfile(place)), None)
        self.result.composed.append((found or places[0], (0, 0)))
        if found is None:
            obscure(self.result, self.result.root, f"{word} may say otherwise")
            self.result.absent.setdefault("", f"{word}, of which it is made, is not there")
            settle(self.result, self.own, node)
            self.result.notes.append(Note(MISSING, (), node, f"{word}, which this file includes, is not there"))
            return
        if found.resolve() in self.trail or len(self.trail) > DEEPEST:
            raise InputError.at(self.own.location(node), f"the includes lead in a circle, or too far: {word}")
        beside = os.path.relpath(found, self.path.parent)
        shown = posixpath.normpath(posixpath.join(posixpath.dirname(self.own.file), beside))
        below = Document(shown, read_text(found, shown), None, self.own.rules, format="gin")
        _File(self.result, below, found, (*self.trail, found.resolve())).run()


def _part(key: ScalarNode, start: int, stop: int | None = None) -> ScalarNode:
    """A piece of a key."""
    text = key.text[start:stop]
    at = key.start + start
    return ScalarNode(key.line, key.column + start, at, at + len(text), None, text, True)


def _resolve(document: Document, node: AnyNode, root: MappingNode) -> None:
    """Put what macros stand for in their places, once all of them are known."""
    if isinstance(node, MappingNode):
        node.items = [(key, _meant(document, value, root)) for key, value in node.items]
        node._pairs = None
    elif isinstance(node, SequenceNode):
        node.items = [_meant(document, item, root) for item in node.items]
    for child in node.items if isinstance(node, (MappingNode, SequenceNode)) else ():
        _resolve(document, child[1] if isinstance(child, tuple) else child, root)


def _meant(document: Document, node: AnyNode, root: MappingNode) -> AnyNode:
    found: AnyNode = node
    seen: set[str] = set()
    while isinstance(found, ComputedNode) and isinstance(found.value, Reference) and found.value.macro not in seen:
        name = found.value.macro
        seen.add(name)
        pair = root.get(name)
        if pair is None:
            break
        found = pair[1]
    if found is node or (isinstance(found, ComputedNode) and isinstance(found.value, Opaque)):
        return node
    if not isinstance(found, ScalarNode):
        return found
    made = ComputedNode(node, getattr(node, "text", ""), document.value(found), origin=document.origin(found))
    if (home := document.home(node)) is not document:
        document.homes[id(made)] = home
        document.kept.append(made)
    return made
