"""What calls of known constructors are given: torch's optimizers, schedulers and loaders."""

from __future__ import annotations

import ast

from framework.reading.nodes import ComputedNode, MappingNode
from framework.reading.python.parsers import Tree
from framework.reading.python.signatures import signature


def passed(tree: Tree, call: ast.Call, known: str) -> MappingNode:
    """What a known constructor is given, by position and by name, below the name of its class."""
    taken = signature(known)
    assert taken is not None
    mapping = tree.values.keywords(call)
    keywords, mapping.items = mapping.items, []
    mapping._pairs = None
    start, stop = tree.marks.span(call.func)
    at = tree.marks.lines.node(start, stop)
    unpacked = any(isinstance(each, ast.Starred) for each in call.args) or any(not each.arg for each in call.keywords)
    if not unpacked:
        mapping.add(tree.key(at, "_target_"), ComputedNode(at, known, known))
    if taken.positional[0] == "params" and call.args and not _all_parameters(call.args[0]):
        mapping.add(tree.named(call.args[0], "params"), tree.values.opaque(call.args[0]))
    for name, value in list(zip(taken.positional, call.args, strict=False))[1:]:
        if isinstance(value, ast.Starred):
            break
        mapping.add(tree.named(value, name), tree.values.node(value))
    for key, node in keywords:
        mapping.add(key, node)
    return mapping


def _all_parameters(given: ast.expr) -> bool:
    """Whether an optimizer is given a model's parameters as they are: groups of them may bring their own arguments."""
    return not isinstance(given, (ast.List, ast.Dict)) and any(
        isinstance(each, ast.Attribute) and each.attr == "parameters" for each in ast.walk(given)
    )
