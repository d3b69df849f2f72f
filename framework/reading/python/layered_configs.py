"""Python files that are configs themselves, as mmengine and mmcv read them: each module-level name is a key.

A name that another stands for (`optim_wrapper = dict(optimizer=optimizer)`, `type=optim_type`) is what it was given; a
class under `type` is its name. `_base_` names the files that a config is laid over (mmengine 0.10.7,
`config/config.py`), whose values it calls `_base_.lr` or `{{_base_.lr}}`, and may set (`_base_.lr = 1`). What a base
makes of its own names stays as it is: setting a name anew changes only what has that very name.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path as FilePath

from framework.reading.layers.base_files import OWN_WORDS, Parse, over_bases
from framework.reading.layers.merging import put, settle
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode
from framework.reading.python.config_changes import Source, apply
from framework.reading.python.imported_bases import over_imported
from framework.reading.python.paths import place_of

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")
_OF_BASE = re.compile(r"\{*\s*(_base_(?:\.[A-Za-z_]\w*|\[(?:'\w+'|\"\w+\"|\d{1,6})\])+)\s*\}*")
_DEEPEST = 20


def as_config(document: Document, path: FilePath, parse: Parse) -> Document:
    """The document as such a config: its names followed, and laid over its bases, which ``parse`` reads one by one.

    Raises:
        InputError: a base cannot be read, or the bases lead in a circle.
    """
    return over_bases(_prepared(document), path, OWN_WORDS, lambda base, name: _prepared(parse(base, name)), _knowing)


def over_names(document: Document, path: FilePath, parse: Parse) -> Document | None:
    """The document as such a config over the names that it takes in (`read_base()`); None where they cannot be
    followed.

    Raises:
        InputError: a file that it takes in cannot be read, or they lead in a circle.
    """
    return over_imported(_prepared(document), path, lambda base, name: _prepared(parse(base, name)))


def _prepared(document: Document) -> Document:
    """With what it says of its bases as data, and its own names followed."""
    root = document.root
    if isinstance(root, MappingNode):
        _follow(document, root, root)
        _take_apart(document, root, Source(document))
    return document


def _take_apart(document: Document, root: MappingNode, source: Source) -> None:
    """Keep a list, of which an item is set further down, and the bases, where one of their values is."""
    for change in source.changes():
        name = str(change.path[0])
        stated = root.get(name)
        whole = source.assigned(name) if stated is not None and isinstance(stated[1], MappingNode) else None
        if stated is not None and whole is not None and (name == "_base_" or isinstance(whole, SequenceNode)):
            put(root, stated[0], whole)
        if name != "_base_" and (change.node is None or any(isinstance(part, int) for part in change.path)):
            apply(document, root, change.path, change, document)


def _follow(document: Document, node: AnyNode, root: MappingNode, depth: int = 0) -> None:
    """Put what names of the module stand for in their places."""
    if depth > _DEEPEST:
        return
    if isinstance(node, MappingNode):
        node.items = [(key, _meant(document, value, root, key.text)) for key, value in node.items]
        node._pairs = None
    elif isinstance(node, SequenceNode):
        node.items = [_meant(document, item, root, "") for item in node.items]
    for child in node.items if isinstance(node, (MappingNode, SequenceNode)) else ():
        _follow(document, child[1] if isinstance(child, tuple) else child, root, depth + 1)


def _meant(document: Document, node: AnyNode, root: MappingNode, key: str) -> AnyNode:
    """What a name stands for: a mapping or a list of the module, or, under `type`, a class."""
    seen: list[str] = []
    found = node
    while isinstance(found, ComputedNode) and isinstance(found.value, Opaque):
        name = document.text[found.start : found.stop]
        if name in seen or not _NAME.fullmatch(name):
            return node
        seen.append(name)
        pair = root.get(name)
        if pair is None:
            is_class = key == "type" and not name.startswith("_base_")
            return ComputedNode(node, name, name, origin=found if found is not node else None) if is_class else node
        if pair[0].start >= node.start:
            return node
        found = pair[1]
    return found if isinstance(found, (MappingNode, SequenceNode)) else node


def _knowing(document: Document, below: Document) -> Document:
    """The document, with what its bases state in the place of `_base_.lr`, and the bases as it sets them."""
    root = document.root
    assert isinstance(root, MappingNode)
    if isinstance(below.root, MappingNode):
        for change in Source(document).changes():
            if change.path[0] == "_base_" and len(change.path) > 1:
                apply(below, below.root, change.path[1:], change, document)
    _refer(document, root, below)
    _follow(document, root, root)
    for change in Source(document).changes():
        if change.path[0] != "_base_" and change.node is None:  # of a name that stands for what a base has
            apply(document, root, change.path, change, document)
    return document


def _refer(document: Document, node: AnyNode, below: Document) -> None:
    if isinstance(node, MappingNode):
        node.items = [(key, _of_base(document, value, below)) for key, value in node.items]
        node._pairs = None
    elif isinstance(node, SequenceNode):
        node.items = [_of_base(document, item, below) for item in node.items]


def _of_base(document: Document, node: AnyNode, below: Document) -> AnyNode:
    if not isinstance(node, ComputedNode) or not isinstance(node.value, Opaque):
        _refer(document, node, below)
        return node
    match = _OF_BASE.fullmatch(document.text[node.start : node.stop])
    path = place_of(ast.parse(match[1], mode="eval").body) if match else None
    meant = below.node(path[1:]) if path else None
    if meant is None:
        return node
    if isinstance(meant, ScalarNode):
        settle(document, below, below.origin(meant))
        return ComputedNode(node, node.text, below.value(meant), origin=below.origin(meant))
    settle(document, below, meant)
    return meant
