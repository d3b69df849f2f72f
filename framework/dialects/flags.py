"""Command lines: what a dialect reads is the flags' names without their dashes, and its places are given back.

Flags that two commands of a script state stand below their command (`train.py.--lr`), and are read as a section of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from framework.dialects.terms import PROGRAM, Dialect, Recognition, Said
from framework.names import Path
from framework.reading.nodes import ComputedNode, Document

_ENVIRONMENT = re.compile(
    r"(?:CUDA|NCCL|OMP|MKL|WANDB|HF|TOKENIZERS|MASTER|TORCH|TRANSFORMERS|LD|CUBLAS|RAY|SBATCH)(?:_\w+)?|PATH|PYTHONPATH"
)
"""Variables that set up the machine's libraries, and Slurm's directives: nothing that a paper states."""


def bare(data: Any) -> tuple[Any, dict[str, Path]]:
    """Data with `--per-device-batch` as `per_device_batch`, and the place of each name; unchanged where none has
    dashes, or where two flags would become one. Variables that share a flag's name are left out: the flag counts."""
    if not isinstance(data, dict):
        return data, {}
    commands = [key for key, inner in data.items() if key != "SBATCH" and _flags(inner)]
    places: dict[str, Path] = {}
    for key in _flags(data):
        if places.setdefault(_bare(key), (key,)) != (key,):
            return data, {}
    if not places and not commands:
        return data, {}
    plain: dict[str, Any] = {name: data[path[0]] for name, path in places.items()}
    for key, value in data.items():
        if (key,) not in places.values() and key not in plain:
            plain[key] = {_bare(name): inner for name, inner in value.items()} if key in commands else value
    return plain, places


def _flags(data: Any) -> list[str]:
    return [key for key in data if isinstance(key, str) and key.startswith("--")] if isinstance(data, dict) else []


def _bare(key: Any) -> Any:
    return key.removeprefix("--").replace("-", "_") if isinstance(key, str) and key.startswith("--") else key


def recognised(dialect: Dialect, data: Any) -> Recognition | None:
    """Whether data is of a dialect, as a file or as a command line."""
    return dialect.recognise(bare(data)[0])


def said(dialect: Dialect, data: Any, programs: Sequence[str] = ()) -> Said:
    """What data of a dialect states, each at its own place; ``programs`` are those that a script starts."""
    plain, places = bare(data)
    if len(programs) == 1 and isinstance(plain, dict) and plain is not data:
        plain[PROGRAM] = programs[0]
    found = dialect.read(plain)
    if plain is data:
        return found

    def place(path: Path) -> Path:
        if path and path[0] in places:
            return (*places[str(path[0])], *path[1:])
        inner = data.get(path[0]) if path else None
        if len(path) > 1 and isinstance(inner, Mapping) and path[1] not in inner:
            named = next((key for key in inner if _bare(key) == path[1]), path[1])
            return (path[0], named, *path[2:])
        return path

    environment = {(key,) for key in data if isinstance(key, str) and _ENVIRONMENT.fullmatch(key)}
    return Said(
        [replace(statement, path=place(statement.path)) for statement in found.statements],
        [replace(default, key=f"--{default.key}") for default in found.defaults],
        {place(path) for path in found.silent} | environment,
        found.trainer,
    )


def used(document: Document) -> set[Path]:
    """The variables of a script that a flag takes its value from: what they state, the flag states."""
    if document.format != "shell":
        return set()
    taken = {
        (origin.start, origin.stop)
        for path, node in document.leaves()
        if _passed(path) and isinstance(node, ComputedNode) and (origin := document.origin(node)) is not node
    }
    return {path for path, node in document.leaves() if not _passed(path) and (node.start, node.stop) in taken}


def _passed(path: Path) -> bool:
    """Whether a script's key is what a command is passed: a flag, or a dotted override."""
    return str(path[-1]).startswith("-") or "." in str(path[-1])
