"""Argument parsers in Python files: the defaults of their flags."""

from __future__ import annotations

import ast
from typing import Any, Protocol

from framework.reading.nodes import AnyNode, ComputedNode, Document, Duplicate, MappingNode, Node, Note, ScalarNode
from framework.reading.python.flow.scopes import always, is_main
from framework.reading.python.literals import Values
from framework.reading.python.offsets import Marks
from framework.reading.python.programs import PARSES, Program


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

    def replace(self, parent: MappingNode, name: str, node: AnyNode) -> None:
        """Put another value under a key that is there."""


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


def later_defaults(tree: Tree) -> None:
    """Put what `parser.set_defaults(lr=1)` says in the place of the default of an argument that is declared before.

    argparse gives its own words to the arguments that are there (CPython 3.11, `_ActionsContainer.set_defaults`); one
    that is declared later keeps the default that it is declared with.
    """
    program = tree.program
    calls = [node for node in program.nodes if isinstance(node, ast.Call)]
    changes = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "set_defaults"]
    sure = _sure(program.module)
    parsers = {_receiver(call) for call in calls if getattr(call.func, "attr", "") == "add_argument"}
    several = any(getattr(call.func, "attr", "") == "add_subparsers" for call in calls)
    parsed = [call for call in calls if getattr(call.func, "attr", "") in PARSES]
    if changes and any((call.lineno, call.col_offset) < (changes[0].lineno, 0) for call in parsed):
        return  # what is parsed already stays
    if program.set_names is None or several or len(changes) != 1 or id(changes[0]) not in sure:
        return
    call = changes[0]
    if None in parsers or _receiver(call) is None or not parsers <= {_receiver(call), *_groups(program.module)}:
        return
    for keyword in call.keywords:
        flag = program.flag_names.get(str(keyword.arg))
        old = None if flag is None else tree.root.get(flag)
        if flag is None or old is None or tree.document.absent.get(flag):
            continue
        node = tree.values.node(keyword.value)
        if isinstance(tree.document.value(node), str):
            continue  # it goes through the argument's type
        program.set_names.discard(str(keyword.arg))
        if (old[0].line, old[0].column) > (call.lineno, call.col_offset):
            continue  # declared later
        tree.document.replaced.setdefault((flag,), []).append(old[1])
        tree.replace(tree.root, flag, node)
        program.flags[str(keyword.arg)] = node


def _sure(module: ast.Module) -> set[int]:
    """By `id`, the calls that are statements which run whenever the module or their function does."""
    bodies = [module.body]
    bodies += [node.body for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    bodies += [node.body for node in module.body if isinstance(node, ast.If) and is_main(node.test)]
    return {id(each.value) for body in bodies for each in always(body) if isinstance(each, ast.Expr)}


def _receiver(call: ast.Call) -> str | None:
    function = call.func
    return function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else None


def _groups(module: ast.Module) -> set[str | None]:
    """The names of groups of arguments, whose arguments are their parser's."""
    assigned = [node for node in ast.walk(module) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
    makers = ("add_argument_group", "add_mutually_exclusive_group")
    return {
        target.id
        for node in assigned
        for target in node.targets
        if isinstance(target, ast.Name) and getattr(getattr(node.value, "func", None), "attr", "") in makers
    }
