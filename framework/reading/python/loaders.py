"""Which loaders of a program read the data that it is evaluated on: what they are given is not the training's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_EVALUATES = frozenset({
    "test", "testing", "tests", "val", "vals", "valid", "validate", "validation", "eval", "evals", "evaluate",
    "evaluation", "evaluating", "dev", "infer", "inference", "predict", "prediction", "holdout",
})  # fmt: skip
_TRAINS = frozenset({"train", "training", "trainer", "fit", "pretrain", "finetune"})
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_loader(call: ast.Call) -> bool:
    """Whether a call makes a loader: `DataLoader`, torchdata's `StatefulDataLoader`, PyTorch Geometric's."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name.endswith("Loader")


def evaluating(module: ast.AST) -> set[int]:
    """By `id`, the calls that make a loader for an evaluation: the variable, the key, the keyword or the function that
    takes it says so, or the data that it is given; none of these speaks of training."""
    return {id(call) for call, names in _loaders(module) if _for_evaluation([*names, *_given(call)])}


def _loaders(module: ast.AST) -> Iterator[tuple[ast.Call, tuple[str, ...]]]:
    """The calls that make loaders, with the names of what takes them."""
    left: list[tuple[ast.AST, tuple[str, ...]]] = [(module, ())]
    while left:
        node, names = left.pop()
        if isinstance(node, ast.Call) and is_loader(node):
            yield node, names
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = (node.name,)
        elif isinstance(node, ast.ClassDef):
            names = ()
        elif isinstance(node, ast.keyword) and node.arg:
            names = (*names, node.arg)
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            left.extend((value, names if key is None else (*names, *_named(key))) for key, value in pairs)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
            left.extend((value, (*names, *_named(taker))) for taker, value in _pairs(targets, node.value))
        else:
            left.extend((child, names) for child in ast.iter_child_nodes(node))


def _pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    target = targets[0]
    several = isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List))
    if several and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
        yield from zip(target.elts, value.elts, strict=True)  # type: ignore[attr-defined]
    else:
        yield target, value


def _given(call: ast.Call) -> Iterator[str]:
    data = call.args[:1] or [each.value for each in call.keywords if each.arg == "dataset"]
    for each in data:
        yield from _named(each)


def _named(expression: ast.expr) -> Iterator[str]:
    """The names and the texts in an expression."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _for_evaluation(names: list[str]) -> bool:
    parts = {part.lower() for name in names for part in _PART.findall(name)}
    return bool(parts & _EVALUATES) and not parts & _TRAINS
