"""What a trainer wrote of its own settings, by the run record's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.dialects.terms import Searched, Unknown, leaves
from framework.errors import InputError
from framework.reading.formats import read

_NAMES = {
    "optimizer.name": ("optimizer", "class"),
    "optimizer.weight_decay": ("optimizer", "weight_decay"),
    "optimizer.eps": ("optimizer", "eps"),
    "optimizer.momentum": ("optimizer", "momentum"),
    "optimizer.betas": ("optimizer", "betas"),
    "seed": ("seed",),
    "max_grad_norm": ("max_grad_norm",),
    "precision": ("precision",),
    "sequence_length": ("sequence_length",),
    "batch_size.micro": ("micro_batch_size",),
    "batch_size.accumulation": ("accumulation",),
}


def stated_by(name: str, file: Path | None, data: dict[str, Any] | None) -> dict[str, Any]:
    """The observed facts that a trainer's settings state outright; its defaults are not among them.

    Raises:
        InputError: the file cannot be read, or holds no mapping.
    """
    spoken = dialect(name)
    if file is not None:
        data = written(name, file)
    if not isinstance(data, dict):
        raise InputError.at(None, f"{file} holds no settings of {spoken.trainer}")
    found: dict[str, Any] = {}
    betas: dict[int, Any] = {}
    for statement in said(spoken, data).statements:
        if statement.doubt or isinstance(statement.value, (Unknown, Searched)):
            continue
        if statement.fact in ("optimizer.betas[0]", "optimizer.betas[1]"):
            betas[int(statement.fact[-2])] = statement.value
        elif (path := _NAMES.get(statement.fact)) is not None:
            _put(found, path, statement.value)
    if len(betas) == 2:
        _put(found, ("optimizer", "betas"), [betas[0], betas[1]])
    return found


def written(name: str, file: Path) -> Any:
    """What a settings file holds, as the trainer of a dialect reads it.

    Raises:
        InputError: the file cannot be read.
    """
    reader = dialect(name).reader if file.suffix.lower() in (".yaml", ".yml") else None
    document = read(file, str(file), reader)
    return None if document.root is None else document.value(document.root)


_MOST = 2_000


def as_recorded(data: Any) -> dict[str, Any]:
    """Every setting that a trainer wrote, by its path, for whoever holds facts of the paper's own to them."""
    found = {
        ".".join(str(part) for part in path): value
        for path, value in leaves(data)
        if path and (value is None or isinstance(value, (str, int, float, bool, list)))
    }
    return dict(list(found.items())[:_MOST])


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *above, last = path
    for part in above:
        data = data.setdefault(part, {})
    data[last] = value
