"""What the functions and the classes of a module are called with in it, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from framework.reading.python.flow.decorators import Function, last, option_name, passes_another

_COMMAND_LINES = frozenset({"Fire", "cli", "CLI", "auto_cli", "run", "agent", "call", "command", "record", "dispatch"})
"""What calls a function with what a command line gives it, or with nothing: `fire.Fire(main)`, `typer.run(main)`,
`tyro.cli(main)`, `wandb.agent(id, main)`. Its own defaults hold where nothing is given."""
_THROUGH = frozenset({"remote", "delay", "callback", "spawn", "local"})
"""Methods that hand what they are given to the function itself: Ray's, Celery's, click's, Modal's."""
_COPIES = frozenset({"replace", "evolve", "_replace"})
"""`dataclasses.replace(config, lr=1)`: which class `config` is of is not known."""
UNPACKED = "a call passes what is unpacked there"
HANDED_ON = "its function is handed on, and may be called with another"
DECORATED = "its decorator may pass another"
SEVERAL = "several definitions have this name"
COPIED = "a copy of it is given another"
FROM_OUTSIDE = "the command line gives it"


class Call(NamedTuple):
    """One call: what each parameter is given, and why what it may give to the others is not known (or nothing)."""

    node: ast.expr
    given: dict[str, ast.expr]
    open: str = ""


class Definition:
    """A function, or a class with what makes an object of it; the names that it takes by position, in order."""

    def __init__(self, node: Function | ast.ClassDef):
        self.node = node
        self.calls: list[Call] = []
        self.defaults: dict[str, ast.expr] = {}
        self.commanded: set[str] = set()
        """The parameters that click's options give, so that its own defaults never count."""
        init = node if not isinstance(node, ast.ClassDef) else _init(node)
        self.function = init
        if init is None:
            assert isinstance(node, ast.ClassDef)
            fields = [
                each for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            ]
            self.positional = [each.target.id for each in fields if isinstance(each.target, ast.Name)]
            self.by_position = not node.bases
            self.defaults = {
                each.target.id: each.value for each in fields if isinstance(each.target, ast.Name) and each.value
            }
            return
        arguments = init.args
        taken = [*arguments.posonlyargs, *arguments.args]
        given = zip(taken[len(taken) - len(arguments.defaults) :], arguments.defaults, strict=True)
        self.defaults = {argument.arg: default for argument, default in given}
        self.defaults |= {
            argument.arg: default
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        }
        self.positional = [argument.arg for argument in taken][1 if isinstance(node, ast.ClassDef) else 0 :]
        self.by_position = True
        self.commanded = {name for each in node.decorator_list if (name := option_name(each))}

    def take(self, node: ast.expr, given: list[ast.expr], keywords: list[ast.keyword]) -> Call:
        """What a call gives to each parameter."""
        found: dict[str, ast.expr] = {}
        unknown = ""
        for place, value in enumerate(given):
            if isinstance(value, ast.Starred) or not self.by_position:
                unknown = UNPACKED
                break
            if place < len(self.positional):
                found[self.positional[place]] = value
        for keyword in keywords:
            if keyword.arg is not None:
                found[keyword.arg] = keyword.value
            elif isinstance(keyword.value, ast.Dict) and all(
                isinstance(key, ast.Constant) for key in keyword.value.keys
            ):
                pairs = zip(keyword.value.keys, keyword.value.values, strict=True)
                found.update({str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)})
            else:
                unknown = UNPACKED
        return Call(node, found, unknown)


class Callers:
    """The definitions of a module, each with its calls."""

    def __init__(self, module: ast.Module, nodes: list[ast.AST]):
        self.definitions: dict[str, Definition] = {}
        self.doubles: set[str] = set()
        self._partials: dict[str, tuple[str, list[ast.expr], list[ast.keyword]]] = {}
        self._define(module.body)
        if not self.definitions:
            return
        stored = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        self.doubles |= self.definitions.keys() & set(stored)
        for node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._partial(node.targets[0].id, node.value, stored)
        called: set[int] = set()
        for inside, call in _calls(module, None):
            called |= self._called(call, inside)
        self._handed_on(module, called)
        self._decorated()
        for name in self.doubles & self.definitions.keys():
            self.definitions[name].calls = [call._replace(open=SEVERAL) for call in self.definitions[name].calls]
        self._leave_out_replaced()

    def _define(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                if statement.name in self.definitions:
                    self.doubles.add(statement.name)
                else:
                    self.definitions[statement.name] = Definition(statement)
            if not isinstance(statement, ast.ClassDef):
                for name in ("body", "orelse", "finalbody"):
                    self._define(getattr(statement, name, []))

    def _partial(self, name: str, value: ast.expr, stored: list[str]) -> None:
        if not isinstance(value, ast.Call) or last(value.func) != "partial" or not value.args:
            return
        bound = value.args[0]
        if isinstance(bound, ast.Name) and bound.id in self.definitions and stored.count(name) == 1:
            self._partials[name] = (bound.id, value.args[1:], value.keywords)

    def _called(self, call: ast.Call, inside: ast.ClassDef | None) -> set[int]:
        """Note a call; the names that it uses up, by `id`."""
        function, name = call.func, last(call.func)
        if name == "partial" and call.args and isinstance(call.args[0], ast.Name):
            wanted = self.definitions.get(call.args[0].id)
            bound = any(given[2] is call.keywords for given in self._partials.values())
            if wanted is not None and not bound:
                wanted.calls.append(wanted.take(call, call.args[1:], call.keywords))
            return {id(call.args[0])}
        if isinstance(function, ast.Name) and function.id in self._partials:
            called, given, keywords = self._partials[function.id]
            own = {keyword.arg for keyword in call.keywords}
            kept = [keyword for keyword in keywords if keyword.arg is None or keyword.arg not in own]
            found = self.definitions[called].take(call, [*given, *call.args], [*kept, *call.keywords])
            self.definitions[called].calls.append(found)
            return set()
        if name in _COPIES:
            for definition in self.definitions.values():
                named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in definition.defaults}
                if named and isinstance(definition.node, ast.ClassDef):
                    definition.calls += [Call(call, {key: value for key, value in named.items() if key}, COPIED)]
            return set()
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            self._by_a_method(call, function.value.id, name)
        used: ast.expr = function
        if isinstance(function, ast.Attribute) and name in _THROUGH:
            used = function.value
        for definition in self._meant(used, inside):
            if definition.commanded and used is function:
                if call.args:
                    definition.calls.append(Call(call, {}, FROM_OUTSIDE))
            else:
                definition.calls.append(definition.take(call, call.args, call.keywords))
        return {id(used)}

    def _by_a_method(self, call: ast.Call, name: str, method: str) -> None:
        """What a method that a class has from elsewhere makes of it: `Model.load_from_checkpoint(path, lr=1)`."""
        found = self.definitions.get(name)
        if found is None or not isinstance(found.node, ast.ClassDef):
            return
        own = {each.name for each in found.node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))}
        named = {key.arg: key.value for key in call.keywords if key.arg in found.defaults}
        if named and method not in own:
            found.calls.append(Call(call, {key: value for key, value in named.items() if key}, COPIED))

    def _meant(self, function: ast.expr, inside: ast.ClassDef | None) -> Iterator[Definition]:
        if isinstance(function, ast.Name):
            name = inside.name if function.id == "cls" and inside is not None else function.id
            yield from self._with_bases(name, set())
        elif isinstance(function, ast.Attribute) and function.attr == "__init__" and inside is not None:
            above = function.value
            if isinstance(above, ast.Call) and last(above.func) == "super":
                names = {last(base) for base in inside.bases}
                yield from (self.definitions[name] for name in names if name in self.definitions)

    def _with_bases(self, name: str, seen: set[str]) -> Iterator[Definition]:
        """What has a name, and the classes that it takes its fields or its constructor from."""
        found = self.definitions.get(name)
        if found is None or name in seen:
            return
        yield found
        if isinstance(found.node, ast.ClassDef) and found.function is None:
            for base in found.node.bases:
                yield from self._with_bases(last(base), {*seen, name})

    def _handed_on(self, module: ast.Module, called: set[int]) -> None:
        """Functions that are values somewhere: who calls them there passes what nobody sees here."""
        left: list[tuple[ast.AST, set[str | None] | None]] = [(module, None)]
        while left:
            node, passed = left.pop()
            if isinstance(node, ast.Call):
                passed = _by_itself(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in called:
                found = self.definitions.get(node.id)
                if found is not None and passed is not None and not passed & found.defaults.keys():
                    found.calls.append(Call(node, {}))
                elif found is not None and not isinstance(found.node, ast.ClassDef):
                    found.calls.append(Call(node, {}, HANDED_ON))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                continue  # an attribute of a function or a class
            left.extend((child, passed) for child in ast.iter_child_nodes(node))

    def _decorated(self) -> None:
        functions = {name: each.node for name, each in self.definitions.items()}
        for definition in self.definitions.values():
            made = definition.function.decorator_list if definition.function is not None else []
            around = {id(each): each for each in [*definition.node.decorator_list, *made]}
            found = [each for each in around.values() if passes_another(each, functions)]
            definition.calls += [Call(each, {}, DECORATED) for each in found]

    def _leave_out_replaced(self) -> None:
        """Take back the calls in defaults that no call leaves as they are: `optim: Optim = Optim(lr=1)` in a class
        that is only made with another `optim`."""
        for _ in range(len(self.definitions)):
            dead: set[int] = set()
            for definition in self.definitions.values():
                for name, default in definition.defaults.items():
                    if definition.calls and all(name in call.given for call in definition.calls):
                        dead |= {id(node) for node in ast.walk(default)}
            kept = {name: [c for c in each.calls if id(c.node) not in dead] for name, each in self.definitions.items()}
            if all(len(kept[name]) == len(each.calls) for name, each in self.definitions.items()):
                return
            for name, each in self.definitions.items():
                each.calls = kept[name]


def _by_itself(call: ast.Call) -> set[str | None] | None:
    """The keywords of a call that calls what it is handed without arguments of its own; None for another one."""
    named = {keyword.arg for keyword in call.keywords}
    known = last(call.func) in _COMMAND_LINES or last(call.func).endswith("Parser")
    started = "target" in named and not named & {"args", "kwargs"}
    return named if known or started or "default_factory" in named or "factory" in named else None


def _init(node: ast.ClassDef) -> Function | None:
    found = (each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return next((each for each in found if each.name == "__init__"), None)


def _calls(node: ast.AST, inside: ast.ClassDef | None) -> Iterator[tuple[ast.ClassDef | None, ast.Call]]:
    """All calls, each with the class that it stands in."""
    left: list[tuple[ast.AST, ast.ClassDef | None]] = [(node, inside)]
    while left:
        node, inside = left.pop()
        if isinstance(node, ast.Call):
            yield inside, node
        inside = node if isinstance(node, ast.ClassDef) else inside
        left.extend((child, inside) for child in ast.iter_child_nodes(node))
