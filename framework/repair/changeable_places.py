"""Whether a value may be changed in its place: it stands there once, for this one path, under one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from framework.names import Path
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, SequenceNode
from framework.reading.yaml.lines import RowRoot
from framework.repair.splices import Uncertain


def node_to_change(document: Document, path: Path) -> AnyNode:
    """The node at a path, if changing its text changes the value at that path and no other.

    Raises:
        Uncertain: a key on the way stands twice, or the value is shared through an alias or a merge.
    """
    found = document.walk(path)
    if found is None or document.root is None:
        raise Uncertain("its place in the file is not known")
    for duplicate in document.duplicates:
        if path[: len(duplicate.path)] == duplicate.path:
            raise Uncertain("a key on the way to it stands twice in the file")
    node = found[1]
    if isinstance(document.root, RowRoot):  # plain lines share nothing
        return node
    if Counter(_starts(document.root))[node.start] > 1:
        raise Uncertain("other places of the file share it through an alias or a merge")
    if path not in document.replaced and not _inside(document, path):
        raise Uncertain("it stands elsewhere in the file, and is used here through an alias or a merge")
    return node


def _starts(node: AnyNode) -> Iterator[int]:
    if not is_passed_on(node):
        yield node.start
    if isinstance(node, MappingNode):
        for _, value in node.pairs().values():
            yield from _starts(value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _starts(item)


def is_passed_on(node: AnyNode) -> bool:
    """Whether a node stands at the very place of the one that states its value: a program's call passes it."""
    return isinstance(node, ComputedNode) and node.origin is not None and node.origin.start == node.start


def _inside(document: Document, path: Path) -> bool:
    """Whether each node on the way lies within the text of the one above it."""
    above = document.root
    for length in range(1, len(path) + 1):
        found = document.walk(path[:length])
        if found is None or above is None or not above.start <= found[1].start <= found[1].stop <= above.stop:
            return False
        above = found[1]
    return True
