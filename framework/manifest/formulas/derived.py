"""Arithmetic over names, for values that follow from others (`0.1 * learning_rate`) and for claims about results.

Numbers, names with dots, `+ - * / // %`, parentheses, and the functions of :data:`FUNCTIONS`; nothing else is
evaluated, and nothing is ever executed.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping

from framework.names import did_you_mean

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def _difference(first: float, second: float) -> float:
    return first - second


def _percent(share: float) -> float:
    return 100 * share


def _ratio(first: float, second: float) -> float:
    return first / second


FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": math.ceil,
    "difference": _difference,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log2": math.log2,
    "max": max,
    "min": min,
    "percent": _percent,
    "ratio": _ratio,
    "round": round,
    "sqrt": math.sqrt,
}
"""What an expression may call, on numbers alone."""
_LONGEST = 200


class NotArithmetic(ValueError):
    """The text holds something else than arithmetic."""


def parsed(text: str) -> ast.expr:
    """The tree of an expression, not yet known to be arithmetic.

    Raises:
        ValueError: it is longer than 200 characters, or no expression.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"an expression of more than {_LONGEST} characters")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise NotArithmetic(f"not arithmetic over names: {text!r}") from None


def is_expression(text: str) -> bool:
    """Whether the text is arithmetic over numbers and at least one name."""
    try:
        tree = parsed(text)
        found = list(names_of(tree))
    except ValueError:
        return False
    return bool(found) and not isinstance(tree, ast.Name | ast.Attribute)


def names_in(text: str) -> list[str]:
    """The names of an expression, each once, in their order.

    Raises:
        ValueError: it is not arithmetic.
    """
    return list(dict.fromkeys(names_of(parsed(text))))


def names_of(node: ast.expr) -> Iterator[str]:
    """The names in a tree, as often as they stand there.

    Raises:
        NotArithmetic: it holds anything else than arithmetic; found wherever it stands.
    """
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return
    if (name := _dotted(node)) is not None:
        yield name
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from names_of(node.operand)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield from names_of(node.left)
        yield from names_of(node.right)
    elif _called(node) is not None:
        for argument in node.args:  # type: ignore[attr-defined]
            yield from names_of(argument)
    else:
        raise NotArithmetic("not arithmetic over names")


def _dotted(node: ast.expr) -> str | None:
    """`learning_rate`, `settings.penalty`; None for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and not node.attr.startswith("_") and (above := _dotted(node.value)) is not None:
        return f"{above}.{node.attr}"
    return None


def _called(node: ast.expr) -> Callable[..., float] | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords:
        return None
    return FUNCTIONS.get(node.func.id) if node.args else None


def computed(node: ast.expr, value_of: Callable[[str], float]) -> float:
    """The value of a parsed expression, whose names have these values.

    Raises:
        NotArithmetic: it holds anything else than arithmetic.
        ArithmeticError: it divides by zero, or is beyond all numbers.
    """
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if (name := _dotted(node)) is not None:
        return value_of(name)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -computed(node.operand, value_of)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](computed(node.left, value_of), computed(node.right, value_of))
    if (function := _called(node)) is not None:
        arguments = [computed(argument, value_of) for argument in node.args]  # type: ignore[attr-defined]
        try:
            return float(function(*arguments))
        except (TypeError, ValueError) as problem:
            raise ArithmeticError(str(problem)) from None
    raise NotArithmetic("not arithmetic over names")


def evaluate(text: str, names: Mapping[str, float]) -> float:
    """The value of an expression.

    Raises:
        ValueError: it is not arithmetic, names a value that does not exist, divides by zero, or is not finite.
    """

    def value_of(name: str) -> float:
        if name not in names:
            raise ValueError(f"{text!r} names {name!r}, which has no value here; {did_you_mean(name, names)}")
        return names[name]

    tree = parsed(text)
    try:
        found = computed(tree, value_of)
    except NotArithmetic:
        raise NotArithmetic(f"not arithmetic over names: {text!r}") from None
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None
    except ArithmeticError as problem:
        raise ValueError(f"{text!r} has no value: {problem}") from None
    if not math.isfinite(found):
        raise ValueError(f"{text!r} is no finite number")
    return found
