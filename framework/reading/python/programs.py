"""What a module's names stand for: imported classes, and the arguments that its parser or a class of it makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from framework.reading.nodes import AnyNode
from framework.reading.python.flow.changes import Changes, is_cast
from framework.reading.python.paths import place_of
from framework.reading.python.signatures import known_name

PARSES = frozenset({"parse_args", "parse_known_args", "parse_intermixed_args"})
_UNKNOWN = object()


class Program:
    """The names of one module, found without running it.

    `args.lr` is the default of the parser's `--lr`, and of a field where `args` is an instance of one of the module's
    own classes, if the name means that everywhere in the module, and nothing sets the attribute.
    """

    def __init__(self, module: ast.Module):
        self.module = module
        self.nodes = list(ast.walk(module))
        self.imports: dict[str, str] = {}
        self.stars: list[str] = []
        self.set_attributes: set[tuple[str | int, ...]] = set()
        self.flags: dict[str, AnyNode] = {}
        """Each argument of the module's parser by the name that it has on the result, with its default."""
        self.fields: dict[str, dict[str, AnyNode]] = {}
        """The fields of each class of the module."""
        self.flag_names: dict[str, str] = {}
        """Of each argument of the parser, by the name that it has on the result, the flag."""
        self.settled = False
        """Whether the fields are known with what the calls of their classes pass."""
        self.given: set[str] = set()
        """The classes of the module that a call passes something to."""
        self.set_names: set[str] | None = set()
        """The arguments that `set_defaults` gives another default; None where it is given a mapping."""
        self.set_globals: set[str] = set()
        """The module's names that a function of it sets."""
        self._makers: dict[str, object] = {}
        self._parsed: set[str] = set()
        self._updated: set[str] = set()
        classes = {node.name for node in self.nodes if isinstance(node, ast.ClassDef)}
        shared: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.imports[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    if alias.name == "*":
                        self.stars.append(node.module)
                    else:
                        self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor)):
                self._assigned(node, classes)
            elif isinstance(node, ast.Call):
                self._changes(node)
            elif isinstance(node, ast.Global):
                shared.update(node.names)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                    named = argument.annotation
                    if isinstance(named, ast.Name) and named.id in classes:
                        self._means(argument.arg, named.id)
        self.changes = Changes(module, self.nodes)
        for name, changed in self.changes.everywhere():
            if changed:
                self.set_attributes.add((name, *changed))
            else:
                self._updated.add(name)
                self._means(name, _UNKNOWN)
        if shared:
            self.set_globals = {name for node in self.nodes for name in _globals_set(node)}

    def _assigned(
        self,
        node: ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For | ast.AsyncFor,
        classes: set[str],
    ) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        value = None if isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor)) else node.value
        for target in targets:
            several = target.elts if isinstance(target, (ast.Tuple, ast.List)) else None
            for place, each in enumerate([target] if several is None else several):
                path = place_of(each)
                if path is None:
                    continue
                if len(path) > 1:
                    if not is_cast(value, path):
                        self.set_attributes.add(path)
                elif value is not None or isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor)):
                    maker = self._maker(value, classes, None if several is None else place)
                    if maker == "":
                        self._parsed.add(str(path[0]))
                    self._means(str(path[0]), maker)

    def _changes(self, call: ast.Call) -> None:
        """What sets attributes by names that are not known: `setattr(args, k, v)`, `vars(args).update(...)`."""
        function, changed = call.func, None
        if isinstance(function, ast.Name) and function.id == "setattr" and len(call.args) == 3:
            changed = call.args[0]
            name = call.args[1]
            if isinstance(name, ast.Constant) and isinstance(changed, ast.Name):
                self.set_attributes.add((changed.id, str(name.value)))
                return
        elif isinstance(function, ast.Attribute) and function.attr == "update":
            inner = function.value
            if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "vars" and inner.args:
                changed = inner.args[0]
            elif isinstance(inner, ast.Attribute) and inner.attr == "__dict__":
                changed = inner.value
        elif isinstance(function, ast.Attribute) and function.attr == "set_defaults":
            names = [keyword.arg for keyword in call.keywords]
            if None in names or self.set_names is None or call.args:
                self.set_names = None
            else:
                self.set_names.update(name for name in names if name)
        if isinstance(changed, ast.Name):
            self._updated.add(changed.id)
            self._means(changed.id, _UNKNOWN)

    def _means(self, name: str, maker: object) -> None:
        self._makers[name] = maker if self._makers.get(name, maker) == maker else _UNKNOWN

    def _maker(self, value: ast.expr | None, classes: set[str], place: int | None) -> object:
        """What makes the value: the module's parser (""), one of its classes by name, or something else."""
        if not isinstance(value, ast.Call):
            return _UNKNOWN
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        if called in PARSES and place in (None, 0):
            return ""
        if place is None and called in classes and isinstance(value.func, ast.Name):
            if value.args or value.keywords:
                self.given.add(called)
            return called
        if (
            called in ("cli", "parse")
            and len(value.args) == 1
            and isinstance(value.args[0], ast.Name)
            and place is None
        ):
            return value.args[0].id if value.args[0].id in classes else _UNKNOWN  # tyro, simple_parsing
        return _UNKNOWN

    def default_of(self, path: tuple[str | int, ...]) -> AnyNode | None:
        """The default that `args.lr`, `vars(args)["lr"]` or `self.args.lr` stands for; None where that is not sure."""
        if len(path) == 3 and path[0] == "self":
            path = path[1:]
        if len(path) != 2 or path in self.set_attributes or ("self", *path) in self.set_attributes:
            return None
        maker = self._makers.get(str(path[0]), _UNKNOWN)
        if maker == "":
            if self.set_names is None or path[1] in self.set_names:
                return None
            return self.flags.get(str(path[1]))
        if not self.settled and maker in self.given:
            return None
        return self.fields.get(maker, {}).get(str(path[1])) if isinstance(maker, str) else None

    def changed_flags(self) -> Iterator[tuple[str, AnyNode]]:
        """The parser's flags whose value on the result may be another than the default that is declared."""
        every = self.set_names is None or bool(self._parsed & self._updated)
        changed = set() if self.set_names is None else set(self.set_names)
        for path in self.set_attributes:
            if len(path) == 2 and path[0] in self._parsed:
                changed.add(str(path[1]))
            elif len(path) == 3 and path[0] == "self" and path[1] in self._parsed:
                changed.add(str(path[2]))
        for name, flag in self.flag_names.items():
            if every or name in changed:
                yield flag, self.flags[name]

    def called(self, function: ast.expr) -> str | None:
        """The dotted name of a known constructor that an expression calls, by what the module imports."""
        path = place_of(function)
        if path is None or not all(isinstance(part, str) for part in path):
            return None
        first = self.imports.get(str(path[0]))
        if first is not None:
            return known_name(".".join([first, *map(str, path[1:])]))
        found = (known_name(f"{module}.{path[0]}") for module in self.stars if len(path) == 1)
        return next((name for name in found if name), None)


def _globals_set(function: ast.AST) -> set[str]:
    """The names of the module that a function sets."""
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return set()
    inside = list(ast.walk(function))
    stored = {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored & {name for node in inside if isinstance(node, ast.Global) for name in node.names}
