"""Which of several statements that set one thing comes last, with nothing in between that uses it."""

from __future__ import annotations

import ast
from typing import NamedTuple

from framework.names import Path

UPDATES = frozenset({"update", "setdefault"})


class Moment(NamedTuple):
    """Where something is set: the function (by `id`, None outside of all), whether it certainly is, and the place."""

    owner: int | None
    certain: bool
    start: tuple[int, int]
    stop: tuple[int, int]


class Moments:
    """When each path of a module was set last."""

    def __init__(self, nodes: list[ast.AST]):
        self._nodes = nodes
        self._set: dict[Path, Moment] = {}
        self._reads: dict[str, list[tuple[int, int]]] | None = None
        self._calls: list[tuple[int, int]] = []

    def note(self, path: Path, moment: Moment) -> None:
        """Remember that a path, and all below it, is set."""
        self._set[path] = moment

    def replaces(self, path: Path, moment: Moment, names: set[str]) -> bool:
        """Whether what is set now goes before what was set: one after the other, in one function, and nothing reads it
        in between by one of these names."""
        last = next((self._set[path[:size]] for size in range(len(path), 0, -1) if path[:size] in self._set), None)
        if last is None or not last.certain or not moment.certain or last.owner != moment.owner or len(path) < 2:
            return False
        reads = [place for name in names for place in self._read(name)]
        reads += self._calls if moment.owner is None else []
        return last.stop <= moment.start and not any(last.stop <= place < moment.start for place in reads)

    def _read(self, name: str) -> list[tuple[int, int]]:
        """Where a name is read, but for what sets a part of it; and where the module's own functions are called."""
        if self._reads is None:
            self._reads = {}
            written = {id(root) for node in self._nodes if (root := _written(node)) is not None}
            own = {node.name for node in self._nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
            for node in self._nodes:
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in written:
                    self._reads.setdefault(node.id, []).append((node.lineno, node.col_offset))
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in own:
                    self._calls.append((node.lineno, node.col_offset))
        return self._reads.get(name, [])


def agreed(blocks: list[list[ast.stmt]]) -> tuple[list[ast.stmt], set[int]]:
    """What all branches set to one literal, as the first says it; and all of these statements, by `id`."""
    settings = [{_said(each): each for each in block if _said(each)[0]} for block in blocks]
    found = [name for name in settings[0] if all(name in others for others in settings)]
    once = [name for name in found if all(_times(name[0], block) == 1 for block in blocks)]
    return [settings[0][name] for name in once], {id(others[name]) for name in once for others in settings}


def _said(statement: ast.stmt) -> tuple[str, str]:
    """The target and the literal of an assignment; two empty texts for another statement."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        literal = not any(isinstance(each, (ast.Name, ast.Call)) for each in ast.walk(statement.value))
        return (ast.dump(statement.targets[0]), ast.dump(statement.value)) if literal else ("", "")
    return "", ""


def _times(target: str, block: list[ast.stmt]) -> int:
    """How often a block, or what is in it, sets a target."""
    every = (node for statement in block for node in ast.walk(statement))
    return sum(isinstance(node, ast.expr) and ast.dump(node) == target for node in every)


def _written(node: ast.AST) -> ast.Name | None:
    """The name of which a statement sets a part: `config` of `config.optim["lr"] = 1` and `config.update(lr=1)`."""
    inner: ast.AST | None = None
    if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
        inner = node.value
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and function.attr in UPDATES:
            inner = function.value
    elif isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call):
        function = node.context_expr.func
        if isinstance(function, ast.Attribute) and function.attr in ("unlocked", "ignore_type"):
            inner = function.value
    while isinstance(inner, (ast.Attribute, ast.Subscript)):
        inner = inner.value
    return inner if isinstance(inner, ast.Name) else None
