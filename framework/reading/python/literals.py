"""The values of Python expressions that are certain without running anything."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode
from framework.reading.python.flow.dictionaries import dictionary
from framework.reading.python.offsets import Marks, keyword_span
from framework.reading.python.paths import place_of
from framework.reading.python.suggestions import suggested

if TYPE_CHECKING:
    from framework.reading.python.flow.scopes import Meaning
    from framework.reading.python.programs import Program

LARGEST_EXPONENT = 1_000
MOST_BITS = 4_000
LONGEST = 10_000
_UNKNOWN = object()


class Values:
    """Makes nodes of expressions; knows the module's constants so far."""

    def __init__(self, document: Document, marks: Marks):
        self.document = document
        self.marks = marks
        self.constants: dict[str, AnyNode] = {}
        self.program: Program | None = None
        self.parameter: Callable[[ast.arg], AnyNode | None] = lambda _: None
        """What a parameter has in its function."""
        self.attribute: Callable[[ast.arg, tuple[str | int, ...]], AnyNode | None] = lambda *_: None
        """What an attribute of a method's own object has."""
        self.mappings: dict[str, MappingNode] = {}
        """The dictionaries of the module that one name stands for."""
        self.copied: set[int] = set()
        """By `id`, the names in expressions that copy a dictionary."""
        self.hidden: dict[str, Meaning] = {}
        """The names of the functions around what is read, which hide the module's: :class:`Scopes`."""
        self.taken: set[int] = set()
        """By `id`, the calls whose keywords stand in some mapping already."""

    def remember(self, name: str, node: AnyNode) -> None:
        """A constant that later expressions may use, if its value is certain."""
        if isinstance(node, ScalarNode) and not isinstance(self.document.value(node), Opaque):
            self.constants[name] = node
        else:
            self.constants.pop(name, None)

    def opaque(self, expression: ast.expr, reason: str = "it is computed") -> ComputedNode:
        start, stop = self.marks.span(expression)
        text = self.document.text[start:stop]
        return ComputedNode(self.marks.lines.node(start, stop), text, Opaque(text[:80], reason))

    def space(self, expression: ast.expr) -> ComputedNode | None:
        """The search space that a call asks for."""
        if not isinstance(expression, ast.Call):
            return None
        start, stop = self.marks.span(expression)
        known = suggested(expression, self.document.text[start:stop][:80], self._certain)
        if known is None:
            return None
        self.taken.add(id(expression))
        return ComputedNode(self.marks.lines.node(start, stop), self.document.text[start:stop], known)

    def _certain(self, expression: ast.expr) -> Any:
        value = self._evaluate(expression)
        return Opaque("", "it is computed") if value is _UNKNOWN else value

    def keywords(self, call: ast.Call) -> MappingNode:
        """The keyword arguments of a call."""
        self.taken.add(id(call))
        start, stop = self.marks.span(call)
        at = self.marks.lines.node(start, stop)
        mapping = MappingNode(at.line, at.column, start, stop)
        for keyword in call.keywords:
            if keyword.arg is not None:
                where = self.marks.lines.node(*keyword_span(self.marks, keyword))
                mapping.add(
                    ScalarNode(where.line, where.column, where.start, where.stop, None, keyword.arg, True),
                    self.node(keyword.value),
                )
        return mapping

    def node(self, expression: ast.expr) -> AnyNode:
        """The node of an expression; opaque where only running it could tell."""
        start, stop = self.marks.span(expression)
        at = self.marks.lines.node(start, stop)
        if isinstance(expression, (ast.List, ast.Tuple)):
            items = [self.node(item) for item in expression.elts]
            return SequenceNode(at.line, at.column, start, stop, None, items)
        if (made := dictionary(self, expression)) is not None:
            return made
        if isinstance(expression, ast.Call):
            name = expression.func.id if isinstance(expression.func, ast.Name) else ""
            if len(expression.args) == 1 and not expression.keywords and isinstance(expression.args[0], ast.Dict):
                return self.node(expression.args[0])
            called = expression.func.attr if isinstance(expression.func, ast.Attribute) else name
            if (space := self.space(expression)) is not None:
                return space
            if called == "FieldReference" and expression.args:  # ml_collections' value that others may follow
                return self.node(expression.args[0])
            if called[:1].isupper() and expression.keywords:
                return self.keywords(expression)
            if called in ("get", "setdefault", "pop") and (fallback := self._fallback(expression)) is not None:
                return fallback
            return self.opaque(expression)
        text = self.document.text[start:stop]
        if isinstance(expression, ast.Constant):
            value = expression.value
            if value is None or isinstance(value, (bool, int, float)):
                return ScalarNode(at.line, at.column, start, stop, None, text, True)
            if isinstance(value, str):
                return ComputedNode(at, value, value, literal=True)
            return self.opaque(expression, "no number, text or truth value")
        if isinstance(expression, ast.UnaryOp) and isinstance(expression.operand, ast.Constant):
            value = self._evaluate(expression)
            if type(value) in (int, float):
                return ComputedNode(at, text, value, literal=True)
        if (known := self._known(expression)) is not None:
            return ComputedNode(at, text, self.document.value(known), origin=self.document.origin(known))
        value = self._evaluate(expression)
        return self.opaque(expression) if value is _UNKNOWN else ComputedNode(at, text, value)

    def _known(self, expression: ast.expr) -> AnyNode | None:
        """The constant, the item of a config (`config["size"]`, `config.size`) or the default (`args.lr`) that an
        expression names."""
        path = place_of(expression)
        if path is None:
            return None
        if path[0] in self.hidden:
            if len(path) == 1:
                return self._local(str(path[0]))
            own = self.hidden[str(path[0])]
            found = self.attribute(own, path[1:]) if isinstance(own, ast.arg) else None
            if isinstance(found, ScalarNode) and self.document.value(found) is not None:
                return found
        elif (known := self.constants.get(".".join(map(str, path)))) is not None:
            return known
        elif (item := self._item(path)) is not None:
            return item
        if self.program is None:
            return None
        found = self.program.default_of(path)
        if not isinstance(found, ScalarNode):
            return None
        value = self.document.value(found)
        return None if value is None or isinstance(value, Opaque) else found

    def _item(self, path: tuple[str | int, ...]) -> AnyNode | None:
        """The value in a dictionary of the module."""
        found: AnyNode | None = self.mappings.get(str(path[0])) if len(path) > 1 else None
        for part in path[1:]:
            pair = found.get(str(part)) if isinstance(found, MappingNode) else None
            found = None if pair is None else pair[1]
        return found if isinstance(found, ScalarNode) and self.document.value(found) is not None else None

    def _local(self, name: str) -> AnyNode | None:
        """What a function's own name stands for, at its place; no repair knows what else uses it."""
        own = self.hidden[name]
        if own is None:
            return None
        if isinstance(own, ast.arg):
            given = self.parameter(own)
            return given if isinstance(given, ScalarNode) and self.document.value(given) is not None else None
        self.hidden[name] = None
        value, space = self._evaluate(own), self.space(own)
        self.hidden[name] = own
        if space is not None:
            return space
        return None if value is _UNKNOWN else ComputedNode(self.marks.lines.node(*self.marks.span(own)), name, value)

    def _fallback(self, call: ast.Call) -> AnyNode | None:
        """What `config.get("lr", 1e-4)` is: the item of a config of the module; else only its default is known."""
        if len(call.args) != 2 or call.keywords or not isinstance(call.args[0], ast.Constant):
            return None
        if not isinstance(call.func, ast.Attribute) or not isinstance(call.args[0].value, str):
            return None
        start, stop = self.marks.span(call)
        at, text = self.marks.lines.node(start, stop), self.document.text[start:stop]
        above = place_of(call.func.value)
        hidden = above is not None and above[0] in self.hidden
        whole = None if above is None or hidden else (*above, call.args[0].value)
        known = None if whole is None else self.constants.get(".".join(map(str, whole))) or self._item(whole)
        if known is not None:
            return ComputedNode(at, text, self.document.value(known), origin=self.document.origin(known))
        default = self._evaluate(call.args[1])
        if default is _UNKNOWN:
            return None
        return ComputedNode(at, text, Opaque(text[:80], "it is looked up while the program runs", default, True))

    def _evaluate(self, expression: ast.expr) -> Any:
        """Arithmetic on literals and constants; everything else is not known."""
        if isinstance(expression, ast.Constant):
            return expression.value if isinstance(expression.value, (bool, int, float, str)) else _UNKNOWN
        if (known := self._known(expression)) is not None:
            value = self.document.value(known)
            return _UNKNOWN if isinstance(value, Opaque) else value
        try:
            if isinstance(expression, ast.UnaryOp):
                operand = self._evaluate(expression.operand)
                if isinstance(expression.op, ast.Not) and operand is not _UNKNOWN:
                    return not operand
                if not isinstance(operand, (int, float)):
                    return _UNKNOWN
                return {ast.USub: lambda: -operand, ast.UAdd: lambda: +operand}.get(
                    type(expression.op), lambda: _UNKNOWN
                )()
            if isinstance(expression, ast.BinOp):
                left, right = self._evaluate(expression.left), self._evaluate(expression.right)
                return _UNKNOWN if left is _UNKNOWN or right is _UNKNOWN else _binary(expression.op, left, right)
        except (ArithmeticError, ValueError, TypeError):
            return _UNKNOWN
        return _UNKNOWN


def _binary(operator: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        joins = isinstance(operator, ast.Add) and isinstance(left, str) and isinstance(right, str)
        return left + right if joins and len(left) + len(right) < LONGEST else _UNKNOWN
    if any(isinstance(side, int) and side.bit_length() > MOST_BITS for side in (left, right)):
        return _UNKNOWN
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.Div):
        return left / right
    if isinstance(operator, ast.FloorDiv):
        return left // right
    if isinstance(operator, ast.Mod):
        return left % right
    if isinstance(operator, ast.Pow):
        large = isinstance(right, (int, float)) and abs(right) > LARGEST_EXPONENT
        bits = left.bit_length() * abs(right) if isinstance(left, int) and isinstance(right, int) else 0
        value = _UNKNOWN if large or bits > MOST_BITS else left**right
        return _UNKNOWN if isinstance(value, complex) else value
    return _UNKNOWN
