"""Python configs that take in the names of other files: `with read_base(): from .base import *` of mmengine.

Read in mmengine 0.10.7 (`config/config.py` `_parse_lazy_import`): the names of the other file are the config's own, and
setting one anew replaces what it was, whole, where `_base_` would have merged the two. What is made of such a name
otherwise (`optim_wrapper.update(...)`, `train_cfg['x'] = 1`) is not followed: all of that name is then open.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import NamedTuple

from framework.errors import InputError
from framework.reading.layers.base_files import DEEPEST, Parse
from framework.reading.layers.merging import obscure, put, settle
from framework.reading.nodes import Document, MappingNode

_FUNCTION = "read_base"


class _Import(NamedTuple):
    """One file whose names are taken in; all of them where ``names`` is empty."""

    word: str
    names: tuple[str, ...]


def over_imported(
    document: Document, path: FilePath, parse: Parse, trail: tuple[FilePath, ...] = ()
) -> Document | None:
    """The document with the names that it takes in; None where it takes in what cannot be followed.

    Raises:
        InputError: a file that it takes in cannot be read, or they lead in a circle.
    """
    module = ast.parse(document.text)
    taken = list(_imports(module))
    if not taken or any(each is None for each in taken):
        return None
    own = document.root if isinstance(document.root, MappingNode) else MappingNode(1, 1, 0, 0)
    root = MappingNode(own.line, own.column, own.start, own.stop)
    result = Document(document.file, document.text, root, document.rules, list(document.duplicates), document.format)
    result.notes, result.evaluating = list(document.notes), document.evaluating
    for each in taken:
        assert each is not None
        place = path.parent / each.word
        if not place.is_file():
            return None
        if place.resolve() in trail or len(trail) >= DEEPEST:
            raise InputError.at(document.location(own), f"the bases lead in a circle, or too far: {each.word}")
        shown = posixpath.normpath(posixpath.join(posixpath.dirname(document.file), each.word))
        inner = parse(place, shown)
        if _takes_in(inner.text):
            followed = over_imported(inner, place, parse, (*trail, path.resolve()))
            if followed is None:
                return None
            inner = followed
        result.composed += [(place, (0, 0)), *inner.composed]
        for name, (key, value) in inner.root.pairs().items() if isinstance(inner.root, MappingNode) else ():
            if name in each.names or (not each.names and not name.startswith("_")):
                put(root, key, value)
                settle(result, inner, key, value)
    changed = set(_changed(module)) & root.pairs().keys()
    obscure(result, root, "the config changes it after it is taken in", changed)
    if changed:
        result.absent.setdefault("", f"what it changes of {' and '.join(sorted(changed))} is not followed")
    for name, (key, value) in own.pairs().items():
        if name.partition(".")[0] not in changed:
            put(root, key, value)
            settle(result, document, key, value)
    return result


def _takes_in(text: str) -> bool:
    return f"with {_FUNCTION}()" in text


def _imports(module: ast.Module) -> Iterator[_Import | None]:
    """The files that a config takes in, as seen from its folder; None for one that is not told by its folder."""
    for block in module.body:
        calls = [item.context_expr for item in block.items] if isinstance(block, ast.With) else []
        if not any(isinstance(call, ast.Call) and ast.unparse(call.func).endswith(_FUNCTION) for call in calls):
            continue
        assert isinstance(block, ast.With)
        for line in block.body:
            if not isinstance(line, ast.ImportFrom) or line.level < 1 or any(name.asname for name in line.names):
                yield None
                continue
            folder, inside = "../" * (line.level - 1), (line.module or "").replace(".", "/")
            names = tuple(name.name for name in line.names)
            if inside:
                yield _Import(f"{folder}{inside}.py", () if names == ("*",) else names)
            else:
                yield None


def _changed(module: ast.Module) -> Iterator[str]:
    """The names of which a module does more than to set them or to hand them on."""
    for node in ast.walk(module):
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            below: ast.expr = node
            while isinstance(below, (ast.Attribute, ast.Subscript)):
                below = below.value
            stores = not isinstance(node.ctx, ast.Load) or isinstance(node, ast.Attribute)
            if isinstance(below, ast.Name) and stores:
                yield below.id
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Delete):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
