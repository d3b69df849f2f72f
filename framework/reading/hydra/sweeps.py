"""Hydra's sweeps that a config itself states: with `hydra.mode: MULTIRUN`, each run has the values of
`hydra.sweeper.params` in the place of the config's own (Hydra 1.2 to 1.3,
`_internal/core_plugins/basic_sweeper.py`)."""

from __future__ import annotations

from framework.names import exact_path
from framework.reading.hydra.override_values import hydra_value
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode


def swept(document: Document) -> Document:
    """The document with what its sweeper gives each run; itself where it states no sweep that always runs."""
    mode, params = document.node(("hydra", "mode")), document.node(("hydra", "sweeper", "params"))
    if not isinstance(mode, ScalarNode) or mode.text != "MULTIRUN" or not isinstance(params, MappingNode):
        return document
    root = copied(document.root)
    assert isinstance(root, MappingNode)
    result = document.over(root)
    for name, (key, node) in list(params.pairs().items()):
        value = document.value(node)
        given = hydra_value(value) if isinstance(value, str) else value
        stated = ComputedNode(node, _text(node), given, origin=node)
        if (home := document.home(node)) is not document:
            result.kept.append(stated)
            result.homes[id(stated)] = home
        _put(root, key, name.lstrip("+"), stated)
    return result


def _text(node: AnyNode) -> str:
    return node.text if isinstance(node, ScalarNode) else "a list"


def copied(node: AnyNode | None) -> AnyNode | None:
    """The mappings anew, so that another reader of the same nodes sees no change."""
    if not isinstance(node, MappingNode):
        return node
    new = MappingNode(node.line, node.column, node.start, node.stop, node.tag)
    for key, value in node.pairs().values():
        inner = copied(value)
        assert inner is not None
        new.items.append((key, inner))
    return new


def _put(root: MappingNode, key: ScalarNode, name: str, value: AnyNode) -> None:
    """The value at a dotted name, in the place of what stands there."""
    here, parts = root, [str(part) for part in exact_path(name) or (name,)]
    for part in parts[:-1]:
        found = here.get(part)
        if found is None or not isinstance(found[1], MappingNode):
            inner = MappingNode(value.line, value.column, value.start, value.stop)
            _set(here, ScalarNode(key.line, key.column, key.start, key.stop, None, part, True), inner)
            here = inner
        else:
            here = found[1]
    there = here.get(parts[-1])
    if there is not None and isinstance(there[1], MappingNode):
        _obscured(there[1])  # the choice of a group: which file then counts is not followed
        return
    _set(here, ScalarNode(key.line, key.column, key.start, key.stop, None, parts[-1], True), value)


def _set(target: MappingNode, key: ScalarNode, value: AnyNode) -> None:
    target.items = [(known, old) for known, old in target.items if known.text != key.text] + [(key, value)]
    target._pairs = None


def _obscured(target: MappingNode) -> None:
    for index, (key, value) in enumerate(target.items):
        if isinstance(value, MappingNode):
            _obscured(value)
        elif not isinstance(value, SequenceNode):
            reason = Opaque(_text(value), "the sweep chooses another file of its group in each run")
            target.items[index] = (key, ComputedNode(value, _text(value), reason, origin=value))
    target._pairs = None
