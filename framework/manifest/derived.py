"""Values stated as arithmetic over others: `min_learning_rate: 0.1 * learning_rate`."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

from framework.names import did_you_mean

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_LONGEST = 200


def _parse(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ValueError(f"an expression of more than {_LONGEST} characters")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"not arithmetic over names: {text!r}") from None


def is_expression(text: str) -> bool:
    """Whether the text is arithmetic (+ - * / and parentheses) over numbers and at least one name."""
    try:
        tree = _parse(text)
    except ValueError:
        return False
    allowed = (ast.BinOp, ast.UnaryOp, ast.USub, ast.Name, ast.Load, ast.Constant, *OPERATORS)
    nodes = list(ast.walk(tree))
    return (
        not isinstance(tree, ast.Name)
        and any(isinstance(node, ast.Name) for node in nodes)
        and all(isinstance(node, allowed) for node in nodes)
        and all(type(node.value) in (int, float) for node in nodes if isinstance(node, ast.Constant))
    )


def evaluate(text: str, names: Mapping[str, float]) -> float:
    """The value of an expression.

    Raises:
        ValueError: it is not arithmetic, names a value that does not exist, divides by zero, or is not finite.
    """

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            if node.id not in names:
                raise ValueError(f"{text!r} names {node.id!r}, which has no value here; {did_you_mean(node.id, names)}")
            return names[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        raise ValueError(f"not arithmetic over names: {text!r}")

    try:
        found = value(_parse(text))
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None
    if not math.isfinite(found):
        raise ValueError(f"{text!r} is no finite number")
    return found
