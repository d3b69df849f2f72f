"""What decorators do to what a function or a class is called with."""

from __future__ import annotations

import ast
from collections.abc import Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef
_INJECTING = frozenset({"configurable", "capture", "automain", "use_named_args", "parametrize"})
"""Those that pass what a config of theirs states: gin's and detectron2's `configurable`, sacred's `capture` and
`automain`, skopt's `use_named_args`, pytest's `parametrize`."""


def passes_another(decorator: ast.expr, functions: Mapping[str, ast.stmt]) -> bool:
    """Whether what it decorates may get other arguments than the calls give: by a decorator that fills them in, or by
    one of the module's own functions that does not hand on what it is called with as it is."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    if last(name) in _INJECTING:
        return True
    own = functions.get(name.id) if isinstance(name, ast.Name) else None
    return isinstance(own, Function) and not _hands_on(own)


def _hands_on(decorator: Function) -> bool:
    """Whether a decorator calls what it is given only as `f(*args, **kwargs)`, with what the call itself gave."""
    inside = list(ast.walk(decorator))
    taken = {each.arg for each in inside if isinstance(each, ast.arg)}
    unpacked: set[int] = set()
    for call in inside:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in taken:
            continue
        starred = [each.value for each in call.args if isinstance(each, ast.Starred)]
        given = [*starred, *(each.value for each in call.keywords if each.arg is None)]
        if len(given) != len(call.args) + len(call.keywords) or not all(isinstance(each, ast.Name) for each in given):
            return False
        unpacked |= {id(each) for each in given}
    names = {each.id for each in inside if id(each) in unpacked and isinstance(each, ast.Name)}
    return not any(isinstance(each, ast.Name) and each.id in names and id(each) not in unpacked for each in inside)


def option_name(decorator: ast.expr) -> str:
    """The parameter that click's `option("--lr", ...)` gives; nothing for another decorator."""
    if not isinstance(decorator, ast.Call) or last(decorator.func) != "option":
        return ""
    names = [each.value for each in decorator.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    plain = [name for name in names if name.isidentifier()]
    flags = sorted((name for name in names if name.startswith("-")), key=lambda name: not name.startswith("--"))
    return plain[0] if plain else flags[0].lstrip("-").split("/")[0].replace("-", "_").lower() if flags else ""


def last(expression: ast.expr) -> str:
    """The last name of a dotted one."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
