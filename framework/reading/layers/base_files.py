"""Base files: configs that a config names, and over which it is laid.

`_BASE_` is fvcore's and PaddleDetection's (fvcore 0.1.5, `common/config.py`: a path or a list of them, from the file's
own folder; mappings are merged, all else is replaced), `_base_` mmengine's and mmcv's (mmengine 0.10.7,
`config/config.py`: likewise, but a mapping with `_delete_` replaces, bases may not share keys, and `{{_base_.lr}}` is
the base's). What home-grown programs call `inherit_from` or `base_config` is followed where the file is there; whether
they merge sections or replace them is theirs to know, so of a section that both state what only the base has is left
open.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection
from pathlib import Path as FilePath
from typing import NamedTuple

from framework.errors import InputError
from framework.names import exact_path
from framework.reading.layers.merging import merge, obscure, settle
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Note, ScalarNode, SequenceNode

OWN_WORDS = ("_BASE_", "_base_")
"""Keys by which a file says of itself that it has bases, whoever reads it."""
MISSING = "missing-part"
"""The kind of a note about a file that another one is made of, and that is not there."""
DEEPEST = 20
_REFERENCE = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")
Parse = Callable[[FilePath, str], Document]
"""Reads one file without its bases: its path, and its name in messages."""
Again = Callable[[Document, Document], Document]
"""Reads a file once more, which knows now what its bases state."""


class Base(NamedTuple):
    """One base: what the file calls it, where, and the file; None where there is none here."""

    word: str
    node: AnyNode
    path: FilePath | None


def bases_of(document: Document, path: FilePath, key: str) -> list[Base]:
    """The bases that a file names under a key, in their order; empty where the key holds anything but names of such
    files."""
    pair = document.root.get(key) if isinstance(document.root, MappingNode) else None
    found = []
    for node in () if pair is None else pair[1].items if isinstance(pair[1], SequenceNode) else (pair[1],):
        word = document.value(node)
        if not isinstance(word, str) or not word.lower().endswith((".yaml", ".yml", ".json", ".toml", ".py")):
            return []
        place = path.parent / word
        alike = place.suffix.lower().replace("yml", "yaml") == path.suffix.lower().replace("yml", "yaml")
        found.append(Base(word, node, place if alike and os.path.isfile(place) else None))
    return found


def over_bases(
    document: Document,
    path: FilePath,
    keys: Collection[str],
    parse: Parse,
    again: Again | None = None,
    trail: tuple[FilePath, ...] = (),
) -> Document:
    """The document laid over the bases that it names under one of the keys; itself where it names none.

    Where a base is not there the key stays, and :attr:`Document.absent` says so.

    Raises:
        InputError: a base cannot be read, or the bases lead in a circle.
    """
    key = next((name for name in keys if bases_of(document, path, name)), None)
    if key is None or not isinstance(document.root, MappingNode):
        return document
    bases = bases_of(document, path, key)
    if key not in OWN_WORDS and not all(base.path for base in bases):
        return document
    below = _like(document, MappingNode(1, 1, 0, 0))
    missing: list[str] = []
    for base in bases:
        below.composed.append((base.path or path.parent / base.word, (0, 0)))
        if base.path is None:
            missing.append(base.word)
            settle(below, document, base.node)
            below.notes.append(Note(MISSING, (key,), base.node, f"{base.word}, a base of this file, is not there"))
            if key == "_BASE_":  # of several, the later one counts
                obscure(below, _root(below), f"{base.word} may say otherwise")
            continue
        if base.path.resolve() in trail or len(trail) >= DEEPEST:
            raise InputError.at(document.location(base.node), f"the bases lead in a circle, or too far: {base.word}")
        shown = posixpath.normpath(posixpath.join(posixpath.dirname(document.file), base.word))
        inner = parse(base.path, shown)
        inner = over_bases(inner, base.path, keys, parse, again, (*trail, path.resolve()))
        _add(below, inner, keys, key)
    if again is not None:
        document = again(document, below)
    return _laid(document, below, keys, key, missing)


def _add(below: Document, inner: Document, keys: Collection[str], key: str) -> None:
    below.composed += inner.composed
    below.duplicates += inner.duplicates
    below.absent |= inner.absent
    below.notes += inner.notes
    for note in inner.notes:
        settle(below, inner, note.node)
    if isinstance(inner.root, MappingNode):
        kept = () if inner.absent.get("") else keys
        both = _root(below).pairs().keys() & inner.root.pairs().keys() if key == "_base_" else ()
        merge(below, _root(below), inner.root, inner, skip=kept, deletes=_deleting(key))
        if both:
            obscure(below, _root(below), "two of its bases state it, which mmengine refuses", both)


def _laid(document: Document, below: Document, keys: Collection[str], key: str, missing: list[str]) -> Document:
    """The document over what its bases state together."""
    own, merged = document.root, below.root
    assert isinstance(own, MappingNode)
    assert isinstance(merged, MappingNode)
    merged.line, merged.column, merged.start, merged.stop = own.line, own.column, own.start, own.stop
    if key not in OWN_WORDS:
        _leave_open(below, merged, own)
    if key == "_base_":
        _refer(document, own, below, merged)
    merge(below, merged, own, document, skip=() if missing else keys, deletes=_deleting(key))
    below.duplicates = [*document.duplicates, *below.duplicates]
    below.absent |= document.absent
    if missing:
        below.absent.setdefault("", f"{' and '.join(missing)}, of which it is made, is not there")
    return below


def _like(document: Document, root: MappingNode) -> Document:
    """A document of the same file that holds nothing yet."""
    result = Document(document.file, document.text, root, document.rules, [], document.format)
    result.notes, result.evaluating = list(document.notes), document.evaluating
    return result


def _root(document: Document) -> MappingNode:
    assert isinstance(document.root, MappingNode)
    return document.root


def _deleting(key: str) -> str:
    return "_delete_" if key == "_base_" else ""


def _leave_open(below: Document, merged: MappingNode, own: MappingNode) -> None:
    """What only the base has of a section that the file states, too."""
    for name, value in own.children():
        found = merged.get(name)
        if found is not None and isinstance(found[1], MappingNode) and isinstance(value, MappingNode):
            reason = f"whether {below.file} is laid over this section or replaces it, its program decides"
            obscure(below, found[1], reason)


def _refer(document: Document, node: AnyNode, below: Document, merged: MappingNode) -> None:
    """Put what the bases state in the place of `{{_base_.lr}}`, wherever a text is nothing else."""
    items = node.items if isinstance(node, MappingNode) else []
    for index, (key, value) in enumerate(items):
        if isinstance(value, MappingNode):
            _refer(document, value, below, merged)
        elif isinstance(value, ScalarNode) and (match := _REFERENCE.fullmatch(str(document.value(value)))):
            meant = below.node(exact_path(match[1]) or ())
            if isinstance(meant, ScalarNode):
                items[index] = (key, ComputedNode(value, value.text, below.value(meant), origin=below.origin(meant)))
            elif meant is not None:
                items[index] = (key, meant)
                settle(document, below, meant)
    if isinstance(node, MappingNode):
        node._pairs = None
