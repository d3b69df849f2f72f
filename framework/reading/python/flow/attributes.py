"""What an object's own attributes have: `self.lr` in a method of a class of the module."""

from __future__ import annotations

import ast
from typing import NamedTuple

from framework.reading.python.flow.decorators import last
from framework.reading.python.flow.scopes import always


class Setting(NamedTuple):
    """The one statement that sets an attribute, and the expression that it is set to."""

    statement: ast.Assign | ast.AnnAssign
    value: ast.expr


class Attributes:
    """The attributes that the methods of a module's classes set, each of which is known where one statement alone,
    which runs whenever its method does, sets it."""

    def __init__(self, module: ast.Module, nodes: list[ast.AST]):
        self._classes: dict[int, ast.ClassDef] = {}
        self._set: dict[tuple[int, str], list[Setting | None]] = {}
        self._elsewhere: set[str] = set()
        self.saving: set[str] = set()
        """The classes whose parameters Lightning keeps as `self.hparams`."""
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                self._of(node)
        for node in nodes:
            is_set = isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
            if is_set and not (isinstance(node.value, ast.Name) and node.value.id == "self"):  # type: ignore[attr-defined]
                self._elsewhere.add(node.attr)  # type: ignore[attr-defined]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr" and len(node.args) > 1:
                name = node.args[1]
                self._elsewhere.add(str(name.value) if isinstance(name, ast.Constant) else "*")

    def _of(self, node: ast.ClassDef) -> None:
        for method in node.body:
            if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) or not method.args.args:
                continue
            me = method.args.args[0]
            self._classes[id(me)] = node
            sure: dict[int, Setting] = {}
            for statement in always(method.body):
                if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                    sure[id(statement.targets[0])] = Setting(statement, statement.value)
                elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                    sure[id(statement.target)] = Setting(statement, statement.value)
            for inner in ast.walk(method):
                if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == me.arg:
                    if not isinstance(inner.ctx, ast.Load):
                        self._set.setdefault((id(node), inner.attr), []).append(sure.get(id(inner)))
                    elif inner.attr == "save_hyperparameters":
                        self.saving.add(node.name)

    def owner(self, me: ast.arg) -> ast.ClassDef | None:
        """The class of whose method a parameter is the object itself."""
        return self._classes.get(id(me))

    def setting(self, owner: ast.ClassDef, name: str) -> Setting | None:
        """What sets an attribute; None where nothing does, or more than one statement."""
        found = [each for related in self._family(owner) for each in self._set.get((id(related), name), [])]
        return found[0] if len(found) == 1 and not self.is_changed(name) else None

    def is_plain(self, owner: ast.ClassDef, name: str) -> bool:
        """Whether nothing sets an attribute, so that it is what the class has under its name."""
        own = any((id(related), name) in self._set for related in self._family(owner))
        below = [each for each in self._family(owner) if each is not owner and _has(each, name)]
        return not own and not below and not self.is_changed(name)

    def _family(self, owner: ast.ClassDef) -> list[ast.ClassDef]:
        """A class, and those of the module that it is made from or that are made from it."""
        every = {each.name: each for each in self._classes.values()}
        above = _names(owner, every)
        return [each for each in every.values() if each.name in above or owner.name in _names(each, every)]

    def is_changed(self, name: str) -> bool:
        """Whether something outside of the methods may set an attribute of this name."""
        return name in self._elsewhere or "*" in self._elsewhere


def _names(node: ast.ClassDef, every: dict[str, ast.ClassDef]) -> set[str]:
    """The names of a class and of all that it is made from."""
    found, left = set[str](), [node.name]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [last(base) for base in every[name].bases] if name in every else []
    return found


def _has(node: ast.ClassDef, name: str) -> bool:
    """Whether a class gives a name a value of its own."""
    named = (each.target if isinstance(each, ast.AnnAssign) else None for each in node.body)
    plain = (target for each in node.body if isinstance(each, ast.Assign) for target in each.targets)
    return any(isinstance(target, ast.Name) and target.id == name for target in (*named, *plain))
