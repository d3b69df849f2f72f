"""Dictionaries that a program makes of others: `{**BASE, "lr": 1}`, `dict(BASE, lr=1)`, `BASE | {...}`, copies."""

from __future__ import annotations

import ast
from typing import Protocol

from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode
from framework.reading.python.flow.decorators import last
from framework.reading.python.flow.scopes import Meaning
from framework.reading.python.offsets import Marks
from framework.reading.python.paths import place_of

BUILDERS = frozenset({
    "dict", "Namespace", "SimpleNamespace", "ConfigDict", "FrozenConfigDict", "EasyDict", "AttrDict", "Box",
    "DictConfig", "DotMap", "edict",
})  # fmt: skip
"""What makes a collection of keys out of its keywords, or out of another one."""
_CREATES = frozenset({"create", "freeze"})
"""Functions of ml_collections and OmegaConf that do the same."""
_COPIES = frozenset({"copy", "deepcopy", "copy_and_resolve_references"})
_UNPACKED = "what is unpacked after it may replace it"


class Values(Protocol):
    """What makes nodes of expressions, and knows the module's dictionaries."""

    document: Document
    marks: Marks
    taken: set[int]
    hidden: dict[str, Meaning]
    mappings: dict[str, MappingNode]
    copied: set[int]

    def node(self, expression: ast.expr) -> AnyNode:
        """The node of an expression."""

    def keywords(self, call: ast.Call) -> MappingNode:
        """The keyword arguments of a call."""


def is_builder(call: ast.Call) -> bool:
    """Whether a call makes a collection of keys of what it is given, and nothing else."""
    name, function = last(call.func), call.func
    of_module = isinstance(function, ast.Attribute) and last(function.value) in ("config_dict", "OmegaConf")
    return name in BUILDERS or (name in _CREATES and of_module)


def dictionary(values: Values, expression: ast.expr) -> MappingNode | None:
    """The collection that an expression makes; None where it makes none, or of what is not known here."""
    if isinstance(expression, ast.Dict):
        made = _made(values, expression)
        for key, value in zip(expression.keys, expression.values, strict=True):
            if key is None:
                _lay(values.document, made, source(values, value))
            elif isinstance(key, ast.Constant) and isinstance(key.value, (str, int)):
                put(values.document, made, _key(values, key, str(key.value)), values.node(value))
        return made
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.BitOr):
        left, right = source(values, expression.left), source(values, expression.right)
        if left is None and right is None:
            return None
        made = _made(values, expression)
        for each in (left, right):
            _lay(values.document, made, each)
        return made
    if not isinstance(expression, ast.Call):
        return None
    if last(expression.func) in _COPIES:
        inner = expression.args[0] if expression.args else getattr(expression.func, "value", None)
        found = None if inner is None or expression.keywords else source(values, inner)
        if found is None:
            return None
        made = _made(values, expression)
        _lay(values.document, made, found)
        return made
    if not is_builder(expression) or len(expression.args) > 1:
        return None
    made = _made(values, expression)
    values.taken.add(id(expression))
    if expression.args:
        found = source(values, expression.args[0])
        if found is None:
            return None
        _lay(values.document, made, found)
    own = values.keywords(expression)
    for keyword in expression.keywords:
        if keyword.arg is None:
            _lay(values.document, made, source(values, keyword.value))
        elif (pair := own.get(keyword.arg)) is not None:
            put(values.document, made, *pair)
    return made


def source(values: Values, expression: ast.expr) -> MappingNode | None:
    """What a collection is made of: another one of the module by its name, as copies of its values; or one in place."""
    path = place_of(expression)
    if path is None:
        return dictionary(values, expression)
    found = None if path[0] in values.hidden else values.mappings.get(str(path[0]))
    for part in path[1:]:
        pair = None if found is None else found.get(str(part))
        found = pair[1] if pair is not None and isinstance(pair[1], MappingNode) else None
    if found is None:
        return None
    values.copied.update(id(node) for node in ast.walk(expression))
    copied = _copied(values.document, found)
    assert isinstance(copied, MappingNode)
    return copied


def put(document: Document, mapping: MappingNode, key: ScalarNode, node: AnyNode) -> AnyNode | None:
    """Put a value under a key; what stood there before."""
    old = mapping.get(key.text)
    mapping.items = [pair for pair in mapping.items if pair[0].text != key.text]
    mapping._pairs = None
    mapping.add(key, node)
    return None if old is None else old[1]


def _lay(document: Document, mapping: MappingNode, over: MappingNode | None) -> None:
    """Lay a collection over another one; over what stands in one that is not known nothing is certain."""
    if over is None:
        mapping.items = [(key, _unsure(document, node)) for key, node in mapping.items]
        mapping._pairs = None
        return
    for key, node in list(over.items):
        put(document, mapping, key, node)


def _unsure(document: Document, node: AnyNode) -> AnyNode:
    text = document.text[node.start : node.stop][:80]
    return ComputedNode(node, text, Opaque(text, _UNPACKED))


def _copied(document: Document, node: AnyNode) -> AnyNode:
    """A copy at the same places, whose values the first one states."""
    if isinstance(node, MappingNode):
        made = MappingNode(node.line, node.column, node.start, node.stop)
        for key, inner in node.items:
            made.add(key, _copied(document, inner))
        return made
    if isinstance(node, ScalarNode):
        return ComputedNode(node, node.text, document.value(node), origin=document.origin(node))
    return node


def _made(values: Values, expression: ast.expr) -> MappingNode:
    start, stop = values.marks.span(expression)
    at = values.marks.lines.node(start, stop)
    return MappingNode(at.line, at.column, start, stop)


def _key(values: Values, at: ast.expr, name: str) -> ScalarNode:
    start, stop = values.marks.span(at)
    where = values.marks.lines.node(start, stop)
    return ScalarNode(where.line, where.column, start, stop, None, name, False)
