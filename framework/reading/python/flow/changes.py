"""What may be changed under another name than its own: a dictionary that a function is given, and sets an item of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from framework.names import Path
from framework.reading.python.flow.decorators import last
from framework.reading.python.paths import place_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_ONE_KEY = frozenset({"pop", "setdefault", "__setitem__", "__setattr__", "__delitem__"})
_WHOLE = frozenset({
    "clear", "popitem", "merge", "merge_from_file", "merge_from_list", "merge_from_dict", "append", "extend", "insert",
    "remove", "reverse", "sort", "update_from_flattened_dict",
})  # fmt: skip
"""Methods that change a collection in a way that is not followed."""
_DEEPEST = 6
"""Keys of a change that are followed; below them all is taken as changed."""


class Name(NamedTuple):
    """A variable: of a function or a class (by `id`; the attributes of a class's objects), or of the module."""

    owner: int | None
    name: str


class _Binding(NamedTuple):
    """What one variable is: another one, or a part of it; and whether the two are of different functions."""

    of: Name
    path: Path
    foreign: bool


class Changes:
    """The items and attributes that something changes by another name, or that a function changes of the module's."""

    def __init__(self, module: ast.Module, nodes: list[ast.AST]):
        self._parents: dict[int, int | None] = {}
        self._locals: dict[int, set[str]] = {}
        self._rebound: dict[Name, tuple[int, int]] = {}
        self._functions: dict[str, list[tuple[_Function, int]]] = {}
        self._objects: dict[int, int] = {}
        """Of each method, by `id`, the class."""
        self._bindings: dict[Name, list[_Binding]] = {}
        self._direct: list[tuple[Name, Path, bool]] = []
        self._found: dict[Name, set[Path]] = {}
        if not any(isinstance(node, (*_FUNCTIONS, ast.For)) for node in nodes):
            return
        self._enter(module, None, None)
        for node, owner in self._walked(module, None):
            self._bind(node, owner)
            self._change(node, owner)
        self._follow()

    def of(self, owner: int | None, name: str) -> set[Path]:
        """The paths below a name that are changed elsewhere; an empty path is all of them."""
        return self._found.get(self._named(owner, name), set())

    def everywhere(self) -> Iterator[tuple[str, Path]]:
        """Every name of a variable with a path that is changed elsewhere."""
        for variable, paths in self._found.items():
            yield from ((variable.name, path) for path in paths)

    def _enter(self, node: ast.AST, owner: int | None, made: ast.ClassDef | None) -> None:
        """Note the functions below a node, with what is theirs alone."""
        left: list[tuple[ast.AST, int | None, ast.ClassDef | None]] = [(node, owner, made)]
        while left:
            node, owner, made = left.pop()
            inner_owner, inner_made = owner, made
            if isinstance(node, ast.ClassDef):
                inner_made = node
            elif isinstance(node, _FUNCTIONS):
                self._parents[id(node)] = owner
                self._locals[id(node)] = _own(node)
                inner_owner, inner_made = id(node), None
                self._called_as(node, made)
                self._rebinds(node)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
                for name in names:
                    self._functions.setdefault(name, []).append((node.value, 0))
            left.extend((child, inner_owner, inner_made) for child in ast.iter_child_nodes(node))

    def _called_as(self, node: _Function, made: ast.ClassDef | None) -> None:
        """Note the names by which a function is called, and how many parameters come before what a call passes."""
        if isinstance(node, ast.Lambda):
            return
        static = any(last(each) == "staticmethod" for each in node.decorator_list)
        first = 0 if made is None or static else 1
        self._functions.setdefault(node.name, []).append((node, first))
        if made is not None and not static:
            self._objects[id(node)] = id(made)
            if node.name == "__init__":
                self._functions.setdefault(made.name, []).append((node, first))

    def _rebinds(self, node: _Function) -> None:
        """Note the parameters that become something of the function's own: `config = dict(config)`."""
        for statement in [] if isinstance(node, ast.Lambda) else node.body:
            if isinstance(statement, ast.Assign) and place_of(statement.value) is None:
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        self._rebound.setdefault(Name(id(node), target.id), (statement.lineno, statement.col_offset))

    def _walked(self, node: ast.AST, owner: int | None) -> Iterator[tuple[ast.AST, int | None]]:
        left: list[tuple[ast.AST, int | None]] = [(node, owner)]
        while left:
            node, owner = left.pop()
            yield node, owner
            owner = id(node) if isinstance(node, _FUNCTIONS) else owner
            left.extend((child, owner) for child in ast.iter_child_nodes(node))

    def _named(self, owner: int | None, name: str) -> Name:
        """The variable that a name is in a function: its own, or that of what is around it."""
        while owner is not None and name not in self._locals.get(owner, set()):
            owner = self._parents[owner]
        return Name(owner, name)

    def _place(self, node: ast.expr, owner: int | None) -> tuple[Name, Path] | None:
        """The variable and the path below it that an expression is; an attribute of a method's object is a variable."""
        path = place_of(node)
        if path is None:
            return None
        variable = self._named(owner, str(path[0]))
        made = None if variable.owner is None else self._objects.get(variable.owner)
        if made is not None and variable.name == "self" and len(path) > 1:
            return Name(made, str(path[1])), path[2:]
        return variable, path[1:]

    def _bind(self, node: ast.AST, owner: int | None) -> None:
        if isinstance(node, ast.Call):
            self._pass(node, owner)
        elif isinstance(node, (ast.For, ast.AsyncFor)) and isinstance(node.iter, (ast.List, ast.Tuple)):
            for each in node.iter.elts:
                self._is(node.target, each, owner, True)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._is(target, node.value, owner, False)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self._is(node.target, node.value, owner, False)

    def _is(self, target: ast.expr, value: ast.expr, owner: int | None, foreign: bool) -> None:
        to, of = self._place(target, owner), self._place(value, owner)
        if to is not None and of is not None and not to[1] and to[0] != of[0]:
            self._bindings.setdefault(to[0], []).append(_Binding(*of, foreign or to[0].owner != of[0].owner))

    def _pass(self, call: ast.Call, owner: int | None) -> None:
        """Bind the parameters of the module's own functions to what a call of them passes."""
        function, given = call.func, call.args
        if last(function) == "partial" and given:
            function, given = given[0], given[1:]
        for called, first in self._functions.get(last(function), []):
            if first and isinstance(function, ast.Name) and getattr(called, "name", "") != "__init__":
                continue
            taken = [*called.args.posonlyargs, *called.args.args]
            pairs = list(zip([each.arg for each in taken[first:]], given, strict=False))
            pairs += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
            for name, value in pairs:
                of = self._place(value, owner)
                if of is not None:
                    self._bindings.setdefault(Name(id(called), name), []).append(_Binding(*of, True))

    def _change(self, node: ast.AST, owner: int | None) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and is_cast(node.value, place_of(node.targets[0])):
            return
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else []
        targets = [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)) else targets
        for target in [inner for each in targets for inner in getattr(each, "elts", [each])]:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                known = place_of(target) is not None
                self._changed(target if known else target.value, (), owner, not known)
            elif isinstance(node, ast.AugAssign):
                self._changed(target, (), owner, True)
        if not isinstance(node, ast.Call):
            return
        function = node.func
        if last(function) in ("setattr", "delattr") and node.args:
            self._changed(node.args[0], _keys(node.args[1:2]), owner, True)
        elif isinstance(function, ast.Attribute):
            changed = function.value
            if isinstance(changed, ast.Call) and last(changed.func) == "vars" and changed.args:
                changed = changed.args[0]
            elif isinstance(changed, ast.Attribute) and changed.attr == "__dict__":
                changed = changed.value
            if function.attr in _ONE_KEY:
                self._changed(changed, _keys(node.args[:1]), owner, True)
            elif function.attr in _WHOLE:
                self._changed(changed, (), owner, True)
            elif function.attr == "update":
                for key in _updated(node):
                    self._changed(changed, key, owner, True)

    def _changed(self, node: ast.expr, key: Path, owner: int | None, whole: bool) -> None:
        """Note that the item of a place is changed; with ``whole`` also a variable itself."""
        place = self._place(node, owner)
        if place is None or (not place[1] and not key and not whole):
            return
        rebound = self._rebound.get(place[0])
        if rebound is not None and rebound <= (node.lineno, node.col_offset):
            return
        self._direct.append((place[0], (*place[1], *key), place[0].owner != owner))

    def _follow(self) -> None:
        """Carry every change over to what the changed variable is."""
        left, seen = list(self._direct), set(self._direct)
        while left:
            variable, path, foreign = left.pop()
            if foreign:
                self._found.setdefault(variable, set()).add(path)
            for binding in self._bindings.get(variable, []):
                further = (binding.of, (*binding.path, *path)[:_DEEPEST], foreign or binding.foreign)
                if further not in seen:
                    seen.add(further)
                    left.append(further)


def is_cast(value: ast.expr | None, path: Path | None) -> bool:
    """Whether a value is what stands at the place already, as another type: `args.lr = float(args.lr)`."""
    return (
        path is not None
        and isinstance(value, ast.Call)
        and getattr(value.func, "id", "") in ("float", "int")
        and len(value.args) == 1
        and place_of(value.args[0]) == path
    )


def methods_set(made: ast.ClassDef) -> set[str]:
    """The fields of a class, as its body has them, that a method gives another value (`__post_init__`)."""
    targets = [
        each.targets if isinstance(each, ast.Assign) else [each.target]
        for each in made.body
        if isinstance(each, (ast.Assign, ast.AnnAssign))
    ]
    fields = {target.id for several in targets for target in several if isinstance(target, ast.Name)}
    cast: set[int] = set()
    found: set[str] = set()
    for method in made.body:
        for node in ast.walk(method) if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) else []:
            if isinstance(node, ast.Assign) and is_cast(node.value, place_of(node.targets[0])):
                cast.add(id(node.targets[0]))
            elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                mine = isinstance(node.value, ast.Name) and node.value.id == "self"
                found |= {node.attr} if mine and id(node) not in cast else set()
    return found & fields


def _own(function: _Function) -> set[str]:
    """The names that are a function's own."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found = {each.arg for each in every if each is not None}
    shared: set[str] = set()
    left = list(ast.iter_child_nodes(function))
    while left:
        node = left.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            shared.update(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            left.extend(ast.iter_child_nodes(node))
    return found - shared


def _keys(given: list[ast.expr]) -> Path:
    """The key that an argument is, as a path; the empty one, of all keys, where it is computed."""
    found = given[0].value if given and isinstance(given[0], ast.Constant) else None
    return (found,) if isinstance(found, (str, int)) else ()


def _updated(call: ast.Call) -> list[Path]:
    """The keys that `config.update(...)` sets."""
    keys: list[Path] = [(keyword.arg,) for keyword in call.keywords if keyword.arg]
    if any(keyword.arg is None for keyword in call.keywords):
        return [()]
    for other in call.args:
        if not isinstance(other, ast.Dict):
            return [()]
        keys += [_keys([] if key is None else [key]) for key in other.keys]
    return keys
