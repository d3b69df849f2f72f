"""Keys that stand twice in one mapping."""

from __future__ import annotations

from framework.names import Path
from framework.reading.tree import AnyNode, Duplicate, ScalarNode, SequenceNode


def repeated_keys(root: AnyNode) -> list[Duplicate]:
    """Every key of the tree that its mapping already has, in file order; what aliases share is looked at once."""
    found: list[Duplicate] = []
    visited: set[int] = set()
    pending: list[tuple[AnyNode, Path]] = [(root, ())]
    for node, path in pending:  # grows while it is gone through: what stands above comes first
        if isinstance(node, ScalarNode) or id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, SequenceNode):
            pending += [(item, (*path, index)) for index, item in enumerate(node.items)]
            continue
        seen: dict[str, ScalarNode] = {}
        for key, value in node.items:
            first = seen.setdefault(key.text, key)
            if first is not key:
                found.append(Duplicate((*path, key.text), first, key))
            pending.append((value, (*path, key.text)))
        pending += [(source, path) for source in node.merged]
    return sorted(found, key=lambda duplicate: duplicate.second.start)
