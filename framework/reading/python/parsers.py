"""Argument parsers in Python files: the defaults of their flags."""

from __future__ import annotations

import ast
from typing import Any, Protocol

from framework.reading.nodes import AnyNode, ComputedNode, Document, Duplicate, MappingNode, Node, Note, ScalarNode
from framework.reading.python.literals import Marks, Values
from framework.reading.python.programs import Program


class Tree(Protocol):
    """What a file's settings are put into, under their keys."""

    document: Document
    marks: Marks
    values: Values
    root: MappingNode
    program: Program

    def key(self, at: Node, name: str) -> ScalarNode:
        """A key of that name at a place."""

    def named(self, at: ast.expr, name: str) -> ScalarNode:
        """A key of that name, at the place of a piece of the source."""

    def set(self, parent: MappingNode, key: ScalarNode, node: AnyNode) -> None:
        """Put a value under a key."""


def parser_argument(tree: Tree, call: ast.Call) -> bool:
    """Put the default of `add_argument("--lr", ...)` (or click's `option`) under its flag; False if it names none."""
    names = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    flags = [name for name in names if name.startswith("-")]
    if not flags:
        return False
    flag = next((name for name in flags if name.startswith("--")), flags[0])
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    default = keywords.get("default")
    action = keywords.get("action")
    if default is None and isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        node: AnyNode = ComputedNode(
            tree.marks.lines.node(*tree.marks.span(action)), str(action.value), action.value == "store_false"
        )
    elif default is None:
        return True
    else:
        node = _typed(tree, tree.values.node(default), keywords.get("type"), flag)
    key = tree.named(call.args[0], flag)
    old = tree.root.get(flag)
    if old is not None:
        tree.document.duplicates.append(Duplicate((flag,), old[0], key))
        tree.document.absent[flag] = "several parsers declare it"
    tree.set(tree.root, key, node)
    given = keywords.get("dest")
    dest = str(given.value) if isinstance(given, ast.Constant) else flag.lstrip("-").replace("-", "_")
    tree.program.flag_names[dest] = flag
    tree.program.flags[dest] = node if old is None else tree.values.opaque(call)
    return True


def defined_flag(tree: Tree, call: ast.Call) -> bool:
    """Put the default of absl's `DEFINE_float("lr", 1e-3, "...")` under its flag; False if it names none."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    name = call.args[0] if call.args else keywords.get("name")
    default = call.args[1] if len(call.args) > 1 else keywords.get("default")
    if not isinstance(name, ast.Constant) or not isinstance(name.value, str) or default is None:
        return False
    tree.set(tree.root, tree.named(name, f"--{name.value}"), tree.values.node(default))
    return True


def _typed(tree: Tree, node: AnyNode, kind: ast.expr | None, flag: str) -> AnyNode:
    """A default that is a string goes through `type=`, as on the command line; another one is left as it is."""
    value = tree.document.value(node)
    looks: Any = None
    if isinstance(value, str):
        try:
            looks = float(value)
        except ValueError:
            looks = None
    if isinstance(kind, ast.Name) and kind.id in ("float", "int") and looks is not None:
        try:
            typed = int(value) if kind.id == "int" else looks
        except ValueError:
            return node
        return ComputedNode(node, str(value), typed, origin=node, literal=False)
    if kind is None and (looks is not None or (isinstance(value, (int, float)) and not isinstance(value, bool))):
        said = "and its default is a string" if looks is not None else "so a value on the command line is a string"
        tree.document.notes.append(Note("untyped-argument", (flag,), node, f"{flag} has no `type=`, {said}"))
    return node
