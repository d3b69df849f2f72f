"""What an expression names: a variable, an attribute, an item."""

from __future__ import annotations

import ast


def place_of(node: ast.expr) -> tuple[str | int, ...] | None:
    """The path that `config.optim.lr` or `config["optim"]["lr"]` is about; None for anything else."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (above := place_of(node.value)) is not None:
        return (*above, node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        above = place_of(node.value)
        key = node.slice.value
        if above is not None and isinstance(key, (str, int)) and not isinstance(key, bool):
            return (*above, key)
    return None
