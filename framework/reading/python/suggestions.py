"""What search libraries are asked for in Python: a space of values, where its bounds are certain.

Optuna 5.0.0 (`trial/_trial.py`): both bounds of `suggest_float` and `suggest_int` can come, and a `step` lowers the
upper one to what it reaches; the names before 3.0 are taken, too. Ray Tune's documentation (2.x, `tune.randint` and its
kin): `randint` and `lograndint` leave their upper bound out, quantized ones round to multiples of q and may reach it,
and each value of `grid_search` is run.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any

from framework.reading.tree import Opaque

MOST = 1_000
"""Of more values than these only the bounds are told."""
_WHY = "a search space, of which each run takes a value"
_ORDER = {
    "suggest_float": ("name", "low", "high"),
    "suggest_uniform": ("name", "low", "high"),
    "suggest_loguniform": ("name", "low", "high"),
    "suggest_discrete_uniform": ("name", "low", "high", "step"),
    "suggest_int": ("name", "low", "high", "step", "log"),
    "suggest_categorical": ("name", "choices"),
}
_OF_TUNE = {
    "uniform": ("lower", "upper"),
    "loguniform": ("lower", "upper", "base"),
    "quniform": ("lower", "upper", "q"),
    "qloguniform": ("lower", "upper", "q", "base"),
    "randint": ("lower", "upper"),
    "lograndint": ("lower", "upper", "base"),
    "qrandint": ("lower", "upper", "q"),
    "choice": ("categories",),
    "grid_search": ("values",),
}
Evaluate = Callable[[ast.expr], Any]
"""The value of an expression; :class:`Opaque` where it is not certain."""


def suggested(call: ast.Call, text: str, evaluate: Evaluate) -> Opaque | None:
    """The space that a call asks a library for; None for any other call."""
    if not isinstance(call.func, ast.Attribute):
        return None
    name = call.func.attr
    tune = isinstance(call.func.value, ast.Name) and call.func.value.id == "tune"
    order = _OF_TUNE.get(name) if tune else _ORDER.get(name)
    if order is None:
        return None
    given = dict(zip(order, call.args, strict=False)) | {each.arg: each.value for each in call.keywords if each.arg}
    stated = {key: _value(value, evaluate) for key, value in given.items() if key != "name"}
    if any(isinstance(value, Opaque) for value in stated.values()) or len(call.args) > len(order):
        return Opaque(text, f"{_WHY}; a bound of it is computed")
    try:
        return _of_tune(name, text, stated) if tune else _of_optuna(name, text, stated)
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return Opaque(text, _WHY)


def name_of_suggestion(call: ast.Call) -> ast.Constant | None:
    """Under which name a trial is asked for a value."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _ORDER or not call.args:
        return None
    name = call.args[0]
    return name if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value else None


def _value(expression: ast.expr, evaluate: Evaluate) -> Any:
    if isinstance(expression, ast.List | ast.Tuple):
        return [_value(each, evaluate) for each in expression.elts]
    if isinstance(expression, ast.Constant) and expression.value is None:
        return None
    return evaluate(expression)


def _of_optuna(name: str, text: str, stated: dict[str, Any]) -> Opaque:
    if name == "suggest_categorical":
        return _one_of(text, stated["choices"])
    low, high, step = stated["low"], stated["high"], stated.get("step")
    if name == "suggest_int" and not stated.get("log"):
        return _stepped(text, int(low), int(high), 1 if step is None else int(step))
    if step is not None:
        return _stepped(text, low, high, step)
    return _between(text, low, high)


def _of_tune(name: str, text: str, stated: dict[str, Any]) -> Opaque:
    if name in ("choice", "grid_search"):
        values = stated["categories" if name == "choice" else "values"]
        found = _one_of(text, values)
        return Opaque(text, _WHY, each=tuple(values)) if name == "grid_search" and found.among else found
    low, high = stated["lower"], stated["upper"]
    if name == "randint":
        return _stepped(text, int(low), int(high) - 1, 1)
    if name == "lograndint":
        return _between(text, low, high - 1)
    slack = stated["q"] / 2 if "q" in stated else 0
    return _between(text, low - slack, high + slack)


def _one_of(text: str, values: Sequence[Any]) -> Opaque:
    if not isinstance(values, list) or not values or any(isinstance(each, Opaque | list) for each in values):
        return Opaque(text, _WHY)
    return Opaque(text, _WHY, among=tuple(values))


def _stepped(text: str, low: float, high: float, step: float) -> Opaque:
    count = math.floor((high - low) / step + 1e-9)
    if step <= 0 or count < 0:
        return Opaque(text, _WHY)
    if count >= MOST:
        return _between(text, low, high)
    return Opaque(text, _WHY, among=tuple(low + place * step for place in range(count + 1)))


def _between(text: str, low: float, high: float) -> Opaque:
    if not all(isinstance(each, int | float) for each in (low, high)):
        raise TypeError("a bound that is no number")
    return Opaque(text, _WHY, between=(min(low, high), max(low, high)))
