"""The keys of a file, as one object that all files with the same keys share.

What follows from the keys alone (where a bound key leads, which keys nothing covers) is then worked out once for all
of them, however many there are.
"""

from __future__ import annotations

from functools import lru_cache

from framework.names import Path
from framework.reading.tree import AnyNode, MappingNode, ScalarNode, SequenceNode

Shape = tuple[Path, ...]
"""The paths of all leaves of a file, in file order."""

_MOST = 1024
_shapes: dict[Shape, Shape] = {}


def shared(paths: Shape) -> Shape:
    """The one object for these paths. With more kinds of files than are kept, an equal one may be made again."""
    if len(_shapes) >= _MOST:
        _shapes.clear()
    return _shapes.setdefault(paths, paths)


def leaves_of(root: AnyNode | None) -> tuple[Shape, tuple[AnyNode, ...]]:
    """Every scalar, and every empty mapping or sequence, below a node: their paths, and the nodes themselves."""
    paths: list[Path] = []
    nodes: list[AnyNode] = []
    if root is not None:
        _collect(root, (), paths, nodes)
    return shared(tuple(paths)), tuple(nodes)


def _collect(node: AnyNode, path: Path, paths: list[Path], nodes: list[AnyNode]) -> None:
    if isinstance(node, MappingNode):
        entries = dict(node.children())
        if entries:
            for below, value in zip(_paths_below(path, tuple(entries)), entries.values(), strict=True):
                if isinstance(value, ScalarNode):
                    paths.append(below)
                    nodes.append(value)
                else:
                    _collect(value, below, paths, nodes)
            return
    elif isinstance(node, SequenceNode) and node.items:
        for index, item in enumerate(node.items):
            _collect(item, (*path, index), paths, nodes)
        return
    paths.append(path)
    nodes.append(node)


@lru_cache(maxsize=4096)
def _paths_below(path: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The paths of a mapping's entries: the same objects for all files with these keys."""
    return tuple((*path, name) for name in names)
