"""Mappings laid over mappings, where each value remembers which file it stands in."""

from __future__ import annotations

from collections.abc import Collection

from framework.names import Path
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode


def merge(
    result: Document,
    target: MappingNode,
    source: MappingNode,
    home: Document,
    skip: Collection[str] = (),
    deletes: str = "",
    keeps: str = "",
    at: Path = (),
    below_root: Path = (),
) -> None:
    """Lay one mapping over another: mappings are merged, all else is replaced, and noted as overruled.

    Args:
        home: The document that ``source`` belongs to.
        skip: Keys of ``source`` itself that are left out.
        deletes: The key by which a mapping says, with `True`, that it replaces what it would be merged with.
        keeps: The word of a value that leaves what it would replace, as `???` does in OmegaConf (2.3.1, `_map_merge`).
        at: Where in ``result`` the root of ``home`` is laid.
        below_root: Where in ``home`` the ``source`` stands.
    """
    for name, (key, value) in source.pairs().items():
        if name in skip or (deletes and name == deletes):
            continue
        if isinstance(value, MappingNode):
            found = target.get(name)
            below = found[1] if found and isinstance(found[1], MappingNode) else None
            if below is None or _replaces(home, value, deletes):
                below = MappingNode(value.line, value.column, value.start, value.stop, value.tag)
                put(target, key, below)
                settle(result, home, key)
                _stands(result, below, home.home(value))
            merge(result, below, value, home, deletes=deletes, keeps=keeps, at=at, below_root=(*below_root, name))
        elif not (keeps and isinstance(value, ScalarNode) and value.text == keeps and target.get(name)):
            _overrule(result, target, home, name, at, (*below_root, name))
            put(target, key, value)
            settle(result, home, key, value)


def _replaces(home: Document, mapping: MappingNode, deletes: str) -> bool:
    said = mapping.get(deletes) if deletes else None
    return said is not None and home.value(said[1]) is True


def _overrule(result: Document, target: MappingNode, home: Document, name: str, at: Path, path: Path) -> None:
    """Note what a value of ``home`` goes before: what stands in its place, and what it went before already."""
    found, own = target.get(name), home.overruled.get(path, ())
    settle(result, home, *own)
    earlier = [*((found[1],) if found and not isinstance(found[1], MappingNode) else ()), *own]
    if earlier:
        result.overruled.setdefault((*at, *path), []).extend(earlier)


def settle(result: Document, home: Document, *nodes: AnyNode) -> None:
    """Note which file the nodes stand in, if it is not the result's own."""
    for node in nodes:
        _stands(result, node, home.home(node))
        if isinstance(node, SequenceNode):
            settle(result, home, *node.items)
        elif isinstance(node, MappingNode):
            for key, value in node.items:
                settle(result, home, key, value)
        elif isinstance(node, ComputedNode) and (origin := home.origin(node)) is not node:
            settle(result, home, origin)


def _stands(result: Document, node: AnyNode, home: Document) -> None:
    if home.file != result.file:
        result.kept.append(node)
        result.homes[id(node)] = home


def put(target: MappingNode, key: ScalarNode, value: AnyNode) -> None:
    """Put a value under a key, in the place of what stands there."""
    for index, (known, _) in enumerate(target.items):
        if known.text == key.text:
            target.items[index] = (key, value)
            break
    else:
        target.items.append((key, value))
    target._pairs = None


def obscure(result: Document, target: MappingNode, reason: str, only: Collection[str] | None = None) -> None:
    """Leave all that stands in a mapping open, for that reason; or only what stands under these keys of it."""
    for index, (key, value) in enumerate(target.items):
        if only is not None and key.text not in only:
            continue
        if isinstance(value, MappingNode):
            obscure(result, value, reason)
            continue
        text = value.text if isinstance(value, ScalarNode) else "a list"
        unknown = ComputedNode(value, text, Opaque(text, reason), origin=value)
        _stands(result, unknown, result.home(value))
        target.items[index] = (key, unknown)
    target._pairs = None
