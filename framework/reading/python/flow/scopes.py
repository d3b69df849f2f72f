"""What a function's own names stand for at a call in it: they hide the module's."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Meaning = ast.expr | ast.arg | None
"""What a name stands for: an expression, a parameter as it was given, or nothing that is certain."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_OPENS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Scopes:
    """The functions around each call and each assignment of a module."""

    def __init__(self, module: ast.Module):
        self._around: dict[int, tuple[_Function, ...]] = {}
        self._own: dict[int, dict[str, Meaning]] = {}
        left: list[tuple[ast.AST, tuple[_Function, ...]]] = [(module, ())]
        while left:
            node, around = left.pop()
            if isinstance(node, (ast.Call, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)) and around:
                self._around[id(node)] = around
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                around = (*around, node)
            left.extend((child, around) for child in ast.iter_child_nodes(node))

    def function(self, node: ast.AST) -> int | None:
        """The innermost function around one of these, by its `id`; None for the module."""
        around = self._around.get(id(node), ())
        return id(around[-1]) if around else None

    def names(self, node: ast.AST) -> dict[str, Meaning]:
        """The names of the functions around a call or an assignment, each with the one expression or the parameter
        that it stands for; None where that is not certain."""
        found: dict[str, Meaning] = {}
        line = getattr(node, "lineno", 0)
        for function in self._around.get(id(node), ()):
            if id(function) not in self._own:
                self._own[id(function)] = _own_names(function)
            found.update(self._own[id(function)])
        return {name: value if value is not None and value.lineno <= line else None for name, value in found.items()}


def _own_names(function: _Function) -> dict[str, Meaning]:
    arguments = function.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found: dict[str, Meaning] = {each.arg: each for each in taken}
    found |= {each.arg: None for each in (arguments.vararg, arguments.kwarg) if each is not None}
    shared: set[str] = set()
    plain: dict[str, ast.expr] = {}
    for statement in always(function.body):
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target: ast.expr = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        else:
            continue
        if isinstance(target, ast.Name) and statement.value is not None:
            plain[target.id] = statement.value
    times: dict[str, int] = {}
    for node in _inside(function):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            shared.update(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            times[node.id] = times.get(node.id, 0) + 1
    for name, count in times.items():
        found[name] = plain.get(name) if count == 1 and name not in found else None
    return {name: value for name, value in found.items() if name not in shared}


def always(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run whenever the function does."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            yield from always(statement.body)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """What a function's body holds, without the functions and classes in it."""
    left = list(ast.iter_child_nodes(node))
    while left:
        child = left.pop()
        yield child
        if not isinstance(child, _OPENS):
            left.extend(ast.iter_child_nodes(child))


def is_main(test: ast.expr) -> bool:
    """Whether a condition is that the module is the program."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
