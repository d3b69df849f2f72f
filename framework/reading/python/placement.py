"""Where the statements of a Python file put their literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache, partial

from framework.names import Path
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Node, Opaque, ScalarNode
from framework.reading.python.constructors import passed
from framework.reading.python.literals import Marks, Values
from framework.reading.python.loaders import evaluating, is_loader
from framework.reading.python.parameters import Parameters
from framework.reading.python.parsers import defined_flag, parser_argument
from framework.reading.python.paths import place_of
from framework.reading.python.programs import Program
from framework.reading.python.scopes import Scopes

_FIELD = {"field", "Field", "attrib", "ib"}
_CONFIG = re.compile(r"(?:.*_)?(?:config|cfg|conf|args|hparams|params|c|hps?)\d?", re.IGNORECASE)
_BUILDERS = {"dict", "Namespace", "SimpleNamespace", "ConfigDict", "EasyDict", "AttrDict", "Box"}


class Tree:
    """Walks a module once; functions' bodies only for parsers, calls and settings of a config."""

    def __init__(self, document: Document, lines: Lines):
        self.document = document
        self.marks = Marks(document.text, lines)
        self.values = Values(document, self.marks)
        self.root = MappingNode(1, 1, 0, len(document.text))
        self.times: dict[str, int] = {}
        self.program = Program(ast.Module([], []))
        self._in_functions: list[tuple[ast.Assign | ast.AnnAssign, bool]] = []

    def of(self, module: ast.Module) -> MappingNode | None:
        self.program = self.values.program = Program(module)
        scopes = cache(partial(Scopes, module))
        self._statements(module.body, certain=True, outside=True)
        calls = [node for node in self.program.nodes if isinstance(node, ast.Call)]
        calls = [call for call in calls if id(call) not in self.values.taken and not self._is_argument(call)]
        parameters = Parameters(self.document, self.values, self.program, scopes)
        self.values.parameter = parameters.of
        parameters.settle(self.root)
        for statement, certain in self._in_functions:
            self.values.hidden = scopes().names(statement)
            self._assignment(statement, certain, False)
        self._calls(calls, scopes)
        self.root.items.sort(key=lambda pair: pair[0].start)
        self.root._pairs = None
        return self.root if self.root.items else None

    def _statements(self, body: list[ast.stmt], certain: bool, outside: bool) -> None:
        """Assignments, classes and functions. ``outside``: of functions, where every name is the module's."""
        for statement in body:
            if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                if outside:
                    self._assignment(statement, certain, outside)
                else:
                    self._in_functions.append((statement, certain))
            elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name) and outside:
                self._spoil(statement.target)
            elif isinstance(statement, ast.ClassDef):
                self._class(statement)
            elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(statement)
                self._statements(statement.body, True, False)
            elif isinstance(statement, ast.If):
                main = outside and _is_main(statement.test)
                self._statements(statement.body, certain and main, outside)
                self._statements(statement.orelse, False, outside)
            elif isinstance(statement, (ast.For, ast.AsyncFor, ast.While)):
                self._statements([*statement.body, *statement.orelse], False, outside)
            elif isinstance(statement, (ast.With, ast.AsyncWith)):
                self._statements(statement.body, certain, outside)
            elif isinstance(statement, ast.Try):
                handled = [inner for handler in statement.handlers for inner in handler.body]
                self._statements([*statement.body, *handled, *statement.orelse, *statement.finalbody], False, outside)

    def _assignment(self, statement: ast.Assign | ast.AnnAssign, certain: bool, outside: bool) -> None:
        value = statement.value
        if value is None:
            return
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            path = _target(target)
            if path is None or (not outside and not self._is_config(path, value)):
                continue
            if isinstance(value, ast.Call) and not _builds(value) and not self._argument_default(value):
                if len(path) == 1 and outside:
                    self._spoil(target)
                if len(path) > 1 or not outside or _callee(value)[:1].isupper() or _callee(value) in _PARSER_MAKERS:
                    continue  # its keywords stand under its own name
            node = self.values.node(value)
            if not certain:
                node = self._uncertain(node)
            elif outside and path[0] in self.program.set_globals:
                node = self._uncertain(node, "a function sets it, too")
            self._put(self.root, path, target, node, outside)

    def _is_config(self, path: Path, value: ast.expr) -> bool:
        if len(path) == 1:
            return _CONFIG.fullmatch(str(path[0])) is not None and (
                isinstance(value, ast.Dict) or (isinstance(value, ast.Call) and _builds(value))
            )
        return _CONFIG.fullmatch(str(path[0])) is not None

    def _argument_default(self, value: ast.Call) -> bool:
        return _callee(value) in _FIELD

    def _spoil(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.values.constants.pop(target.id, None)
            pair = self.root.get(target.id)
            if pair is not None:
                self._replace(self.root, target.id, self._uncertain(pair[1], "it is changed further down"))

    def _uncertain(self, node: AnyNode, reason: str = "it is set where that may not happen") -> AnyNode:
        if not isinstance(node, ScalarNode):
            return ComputedNode(node, "a collection", Opaque("a collection", reason))
        value = self.document.value(node)
        if isinstance(value, Opaque):
            return node
        text = self.document.text[node.start : node.stop]
        return ComputedNode(node, text, Opaque(text, reason, value, has_default=True), origin=node)

    def _put(self, parent: MappingNode, path: Path, at: ast.expr, node: AnyNode, outside: bool) -> None:
        """Set a path; a value that is set twice to different things is known to nobody here."""
        start, stop = self.marks.span(at)
        for name in path[:-1]:
            found = parent.get(str(name))
            if found is None or not isinstance(found[1], MappingNode):
                where = self.marks.lines.node(start, stop)
                below = MappingNode(where.line, where.column, start, node.stop)
                self.set(parent, self.key(where, str(name)), below)
                parent = below
            else:
                parent = found[1]
        where = self.marks.lines.node(start, stop)
        name = str(path[-1])
        old = parent.get(name)
        if old is not None and self._same(old[1], node) is False:
            node = ComputedNode(node, name, Opaque(name, "it is set several times"))
        self.set(parent, self.key(where, name), node)
        if outside:
            self.values.remember(".".join(map(str, path)), node)

    def _same(self, one: AnyNode, other: AnyNode) -> bool:
        first, second = self.document.value(one), self.document.value(other)
        return type(first) is type(second) and not isinstance(first, Opaque) and bool(first == second)

    def set(self, parent: MappingNode, key: ScalarNode, node: AnyNode) -> None:
        if parent.get(key.text) is not None:
            self._replace(parent, key.text, node)
        else:
            parent.add(key, node)

    def _replace(self, parent: MappingNode, name: str, node: AnyNode) -> None:
        parent.items = [(key, node if key.text == name else old) for key, old in parent.items]
        parent._pairs = None

    def key(self, at: Node, name: str) -> ScalarNode:
        return ScalarNode(at.line, at.column, at.start, at.stop, None, name, True)

    def _numbered(self, name: str) -> str:
        self.times[name] = self.times.get(name, 0) + 1
        return name if self.times[name] == 1 else f"{name}#{self.times[name]}"

    def _class(self, statement: ast.ClassDef) -> None:
        at = self.marks.lines.node(*self.marks.span(statement))
        mapping = MappingNode(at.line, at.column, at.start, at.stop)
        for item in statement.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value is not None:
                self.set(mapping, self.named(item.target, item.target.id), self._default(item.value))
            elif isinstance(item, ast.Assign):
                for target in item.targets:
                    if isinstance(target, ast.Name):
                        self.set(mapping, self.named(target, target.id), self._default(item.value))
            elif isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if item.name == "__init__":
                    self._defaults(item.args, mapping)
                self._statements(item.body, True, False)
        if mapping.items:
            self.program.fields.setdefault(statement.name, dict(mapping.children()))
            self.set(self.root, self.key(at, self._numbered(statement.name)), mapping)

    def _default(self, value: ast.expr) -> AnyNode:
        """A class field's value; of `field(default=...)` what it says."""
        if not isinstance(value, ast.Call) or _callee(value) not in _FIELD:
            return self.values.node(value)
        keywords = {keyword.arg: keyword.value for keyword in value.keywords}
        given = keywords.get("default", value.args[0] if value.args else None)
        factory = keywords.get("default_factory", keywords.get("factory"))
        if given is None and isinstance(factory, ast.Lambda):
            given = factory.body
        return self.values.node(given) if given is not None else self.values.opaque(value)

    def _function(self, statement: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        at = self.marks.lines.node(*self.marks.span(statement))
        mapping = MappingNode(at.line, at.column, at.start, at.stop)
        self._defaults(statement.args, mapping)
        if mapping.items:
            self.set(self.root, self.key(at, self._numbered(statement.name)), mapping)

    def _defaults(self, arguments: ast.arguments, mapping: MappingNode) -> None:
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
        for argument, default in pairs:
            start, stop = self.marks.span(argument)
            at = self.marks.lines.node(start, start + len(argument.arg) if stop > start else stop)
            self.set(mapping, self.key(at, argument.arg), self.values.node(default))

    def named(self, at: ast.expr, name: str) -> ScalarNode:
        return self.key(self.marks.lines.node(*self.marks.span(at)), name)

    def _calls(self, calls: list[ast.Call], scopes: Callable[[], Scopes]) -> None:
        """What is passed to calls that make an object."""
        evaluates = evaluating(self.program.module) if any(is_loader(call) for call in calls) else set()
        for node in calls:
            name, known = _callee(node), self.program.called(node.func)
            if id(node) in self.values.taken or name in _FIELD or name in _PARSER_MAKERS or name in _BUILDERS:
                continue
            if known is None and (not node.keywords or not name[:1].isupper()):
                continue
            self.values.hidden = scopes().names(node)
            at = self.marks.lines.node(*self.marks.span(node))
            mapping = passed(self, node, known) if known else self.values.keywords(node)
            if mapping.items:
                place = self._numbered(name)
                if id(node) in evaluates:
                    self.document.evaluating.add((place,))
                self.set(self.root, self.key(at, place), mapping)
        self.values.hidden = {}
        self._changed_arguments()

    def _changed_arguments(self) -> None:
        """An argument whose value the program changes after parsing is not known by its default."""
        for flag, node in self.program.changed_flags():
            if self.root.get(flag) is not None and self.document.value(node) is not None:
                self._replace(self.root, flag, self._uncertain(node, "the program changes it"))

    def _is_argument(self, call: ast.Call) -> bool:
        """Whether a call declares an argument of the command line, whose default is put into the tree."""
        name = _callee(call)
        if name in ("add_argument", "option", "Option"):
            return parser_argument(self, call)
        return name.startswith("DEFINE_") and defined_flag(self, call)


_PARSER_MAKERS = {"ArgumentParser", "HfArgumentParser", "add_argument", "option", "Option"}


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _callee(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _builds(call: ast.Call) -> bool:
    return _callee(call) in _BUILDERS and (not call.args or isinstance(call.args[0], ast.Dict))


def _target(target: ast.expr) -> Path | None:
    """`config.optimizer.lr` and `config["lr"]` as a path; an object's own attributes belong to no config."""
    path = place_of(target)
    return None if path is None or path[0] == "self" or not all(isinstance(part, str) for part in path) else path
