"""Hydra's defaults lists, composed without Hydra where the files are there: each value keeps its own file's place.

What is followed is Hydra 1.1 to 1.3: groups and plain configs, `_self_` (last where it is not said), packages (`@name`,
`@_global_`, `@_here_`, the `# @package` header), `override`, `optional`, lists of options, nested defaults lists. What
comes from elsewhere (a file that is not there, a choice by interpolation) may overrule all that stands before it: those
values are then known to nobody here.
"""

from __future__ import annotations

from pathlib import Path as FilePath

from framework.reading.hydra.defaults_lists import Composition, is_defaults_list
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode


def composed(document: Document, path: FilePath) -> Document:
    """The document with its defaults list resolved; the document itself where it has none.

    Raises:
        InputError: a file that the list names cannot be read, or the lists lead in a circle.
    """
    root = document.root
    if not isinstance(root, MappingNode) or not is_defaults_list(document, path):
        return document
    composition = Composition(document, path.parent)
    parts = composition.parts(document)
    merged = MappingNode(root.line, root.column, root.start, root.stop)
    result = Document(document.file, document.text, merged, document.rules, list(document.duplicates))
    for part in parts:
        if part.document is None:
            document.absent.setdefault("", f"{part.name} is not known here")
            _obscure(result, merged, part.name)
        elif isinstance(part.document.root, MappingNode):
            target = _package(result, merged, part.package, part.document)
            _merge(result, target, part.document.root, part.document, skip_defaults=True)
            if part.document is not document:
                result.duplicates += part.document.duplicates
    result.absent = document.absent
    result.composed = [(other, (0, 0)) for other in composition.looked_at]
    return result


def _package(result: Document, root: MappingNode, package: str, source: Document) -> MappingNode:
    """The mapping at a package, made where it is not there."""
    here = root
    for name in package.split(".") if package else ():
        found = here.get(name)
        if found is not None and isinstance(found[1], MappingNode):
            here = found[1]
            continue
        assert source.root is not None
        at = source.root
        new = MappingNode(at.line, at.column, at.start, at.stop)
        key = ScalarNode(at.line, at.column, at.start, at.start, None, name, True)
        _put(result, here, key, new)
        _settle(result, source, key, new)
        here = new
    return here


def _merge(
    result: Document, target: MappingNode, source: MappingNode, home: Document, skip_defaults: bool = False
) -> None:
    """Lay one mapping over another: mappings are merged, all else is replaced."""
    for name, (key, value) in source.pairs().items():
        if skip_defaults and name == "defaults":
            continue
        if isinstance(value, MappingNode):
            found = target.get(name)
            below = found[1] if found and isinstance(found[1], MappingNode) else None
            if below is None:
                below = MappingNode(value.line, value.column, value.start, value.stop, value.tag)
                _put(result, target, key, below)
                _settle(result, home, key, below)
            _merge(result, below, value, home)
        else:
            _put(result, target, key, value)
            _settle(result, home, key, value)


def _settle(result: Document, home: Document, *nodes: AnyNode) -> None:
    """Note which file the nodes stand in, if it is not the result's own."""
    if home.file == result.file:
        return
    result.kept += nodes
    for node in nodes:
        result.homes[id(node)] = home
        if isinstance(node, SequenceNode):
            _settle(result, home, *node.items)
        elif isinstance(node, MappingNode):
            for key, value in node.items:
                _settle(result, home, key, value)


def _put(result: Document, target: MappingNode, key: ScalarNode, value: AnyNode) -> None:
    for index, (known, _) in enumerate(target.items):
        if known.text == key.text:
            target.items[index] = (key, value)
            break
    else:
        target.items.append((key, value))
    target._pairs = None


def _obscure(result: Document, target: MappingNode, name: str) -> None:
    """What stands so far may be overruled by a config that is not known."""
    for index, (key, value) in enumerate(target.items):
        if isinstance(value, MappingNode):
            _obscure(result, value, name)
            continue
        text = value.text if isinstance(value, ScalarNode) else "a list"
        unknown = ComputedNode(value, text, Opaque(text, f"{name} may say otherwise"), origin=value)
        home = result.home(value)
        if home is not result:
            _settle(result, home, unknown)
        target.items[index] = (key, unknown)
    target._pairs = None
