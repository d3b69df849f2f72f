"""Hydra's defaults lists, composed without Hydra where the files are there: each value keeps its own file's place.

What is followed is Hydra 1.1 to 1.3: groups and plain configs, `_self_` (last where it is not said), packages (`@name`,
`@_global_`, `@_here_`, the `# @package` header), `override`, `optional`, lists of options, nested defaults lists. What
comes from elsewhere (a file that is not there, a choice by interpolation) may overrule all that stands before it: those
values are then known to nobody here.
"""

from __future__ import annotations

from pathlib import Path as FilePath

from framework.reading.hydra.defaults_lists import Composition, is_defaults_list
from framework.reading.layers.base_files import MISSING
from framework.reading.layers.merging import merge, obscure, put, settle
from framework.reading.nodes import Document, MappingNode, Note, ScalarNode


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
            obscure(result, merged, f"{part.name} may say otherwise")
            if part.missing is not None:
                message = f"{part.name}, which this config is composed of, is not there"
                settle(result, composition.homes[id(part.missing)], part.missing)
                result.notes.append(Note(MISSING, ("defaults",), part.missing, message))
        elif isinstance(part.document.root, MappingNode):
            target = _package(result, merged, part.package, part.document)
            at = tuple(part.package.split(".")) if part.package else ()
            merge(result, target, part.document.root, part.document, skip=("defaults",), keeps="???", at=at)
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
        put(here, key, new)
        settle(result, source, key, new)
        here = new
    return here
