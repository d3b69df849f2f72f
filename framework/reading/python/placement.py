"""Where the statements of a Python file put their literals."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache, partial

from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, Document, MappingNode, Node, ScalarNode
from framework.reading.python.assignments import FIELD, PARSER_MAKERS, Assignments, uncertain
from framework.reading.python.constructors import passed
from framework.reading.python.flow.changes import methods_set
from framework.reading.python.flow.decorators import last
from framework.reading.python.flow.dictionaries import is_builder
from framework.reading.python.flow.moments import agreed
from framework.reading.python.flow.parameters import Parameters
from framework.reading.python.flow.scopes import Scopes, is_main
from framework.reading.python.literals import Values
from framework.reading.python.loaders import evaluating, is_loader
from framework.reading.python.offsets import Marks
from framework.reading.python.parsers import defined_flag, later_defaults, parser_argument
from framework.reading.python.programs import Program
from framework.reading.python.suggestions import name_of_suggestion


class Tree:
    """Walks a module once; functions' bodies only for parsers, calls and settings of a config."""

    def __init__(self, document: Document, lines: Lines):
        self.document = document
        self.marks = Marks(document.text, lines)
        self.values = Values(document, self.marks)
        self.root = MappingNode(1, 1, 0, len(document.text))
        self.times: dict[str, int] = {}
        self.program = Program(ast.Module([], []))

    def of(self, module: ast.Module) -> MappingNode | None:
        self.program = self.values.program = Program(module)
        if any(name.partition(".")[0] == "unsloth" for name in (*self.program.imports.values(), *self.program.stars)):
            self.document.programs.append("unsloth")
        scopes = cache(partial(Scopes, module))
        self._assigned = Assignments(self, scopes)
        self._statements(module.body, certain=True, outside=True)
        calls = [node for node in self.program.nodes if isinstance(node, ast.Call)]
        calls = [call for call in calls if id(call) not in self.values.taken and not self._is_argument(call)]
        later_defaults(self)
        parameters = Parameters(self.document, self.values, self.program, scopes)
        self.values.parameter, self.values.attribute = parameters.of, parameters.attribute
        parameters.settle(self.root)
        self._assigned.inside_functions()
        self._calls(calls, scopes)
        self._asked_of_trials(calls, scopes)
        self._assigned.note_unused()
        self._assigned.leave_open_where_calls_pass_another()
        self.root.items.sort(key=lambda pair: pair[0].start)
        self.root._pairs = None
        return self.root if self.root.items else None

    def _statements(self, body: list[ast.stmt], certain: bool, outside: bool) -> None:
        """Assignments, classes and functions. ``outside``: of functions, where every name is the module's."""
        for statement in body:
            if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)):
                self._assigned.take(statement, certain, outside)
            elif isinstance(statement, ast.ClassDef):
                self._class(statement)
            elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(statement)
                self._statements(statement.body, True, False)
            elif isinstance(statement, ast.If):
                if outside and is_main(statement.test):
                    self._statements(statement.body, certain, outside)
                    self._statements(statement.orelse, False, outside)
                else:
                    self._branches([statement.body, statement.orelse], certain, outside)
            elif isinstance(statement, (ast.For, ast.AsyncFor, ast.While)):
                self._statements([*statement.body, *statement.orelse], False, outside)
            elif isinstance(statement, (ast.With, ast.AsyncWith)):
                self._statements(statement.body, certain, outside)
            elif isinstance(statement, ast.Try):
                handled = [handler.body for handler in statement.handlers]
                self._branches([[*statement.body, *statement.orelse], *handled], certain, outside)
                self._statements(statement.finalbody, False, outside)

    def _branches(self, blocks: list[list[ast.stmt]], certain: bool, outside: bool) -> None:
        """Statements of which one block runs; what all of them set alike is set for certain."""
        alike, others = agreed(blocks)
        for statement in alike:
            self._assigned.take(statement, certain, outside)
        for block in blocks:
            self._statements([each for each in block if id(each) not in others], False, outside)

    def set(self, parent: MappingNode, key: ScalarNode, node: AnyNode) -> None:
        if parent.get(key.text) is not None:
            self.replace(parent, key.text, node)
        else:
            parent.add(key, node)

    def replace(self, parent: MappingNode, name: str, node: AnyNode) -> None:
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
        for name in methods_set(statement):
            if (pair := mapping.get(name)) is not None:
                self.replace(mapping, name, uncertain(self.document, pair[1], "a method sets it, too"))
        if mapping.items:
            self.program.fields.setdefault(statement.name, dict(mapping.children()))
            self.set(self.root, self.key(at, self._numbered(statement.name)), mapping)

    def _default(self, value: ast.expr) -> AnyNode:
        """A class field's value; of `field(default=...)` what it says."""
        if not isinstance(value, ast.Call) or last(value.func) not in FIELD:
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
            self.set(mapping, self.key(at, argument.arg), self.values.node(_of_option(default)))

    def named(self, at: ast.expr, name: str) -> ScalarNode:
        return self.key(self.marks.lines.node(*self.marks.span(at)), name)

    def _calls(self, calls: list[ast.Call], scopes: Callable[[], Scopes]) -> None:
        """What is passed to calls that make an object."""
        evaluates = evaluating(self.program.module) if any(is_loader(call) for call in calls) else set()
        for node in calls:
            name, known = last(node.func), self.program.called(node.func)
            if id(node) in self.values.taken or name in FIELD or name in PARSER_MAKERS or is_builder(node):
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

    def _asked_of_trials(self, calls: list[ast.Call], scopes: Callable[[], Scopes]) -> None:
        """What a trial is asked for, under the name that the search gives it, where it goes nowhere that is read."""
        for node in calls:
            name = name_of_suggestion(node)
            if name is None or id(node) in self.values.taken or self.root.get(str(name.value)) is not None:
                continue
            self.values.hidden = scopes().names(node)
            self.set(self.root, self.named(name, str(name.value)), self.values.node(node))
        self.values.hidden = {}

    def _changed_arguments(self) -> None:
        """An argument whose value the program changes after parsing is not known by its default."""
        for flag, node in self.program.changed_flags():
            if self.root.get(flag) is not None and self.document.value(node) is not None:
                self.replace(self.root, flag, uncertain(self.document, node, "the program changes it"))

    def _is_argument(self, call: ast.Call) -> bool:
        """Whether a call declares an argument of the command line, whose default is put into the tree."""
        name = last(call.func)
        if name in ("add_argument", "option", "Option"):
            return parser_argument(self, call)
        return name.startswith("DEFINE_") and defined_flag(self, call)


def _of_option(default: ast.expr) -> ast.expr:
    """The default of typer's `lr: float = Option(1e-4, "--lr")`; any other as it is."""
    if isinstance(default, ast.Call) and last(default.func) in ("Option", "Argument") and default.args:
        return default.args[0]
    return default
