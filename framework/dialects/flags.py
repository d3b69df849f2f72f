"""Command lines: what a dialect reads is the flags' names without their dashes, and its places are given back.

Flags that two commands of a script state stand below their command (`train.py.--lr`), and are read as a section of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from framework.dialects.terms import PROGRAM, Dialect, Recognition, Said, Searched, Statement, words
from framework.names import Path
from framework.reading.nodes import ComputedNode, Document, Opaque

_ENVIRONMENT = re.compile(
    r"(?:CUDA|NCCL|OMP|MKL|WANDB|HF|TOKENIZERS|MASTER|TORCH|TRANSFORMERS|LD|CUBLAS|RAY|SBATCH)(?:_\w+)?|PATH|PYTHONPATH"
)
"""Variables that set up the machine's libraries, and Slurm's directives: nothing that a paper states."""
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)", re.ASCII)
_LAUNCHERS = frozenset(
    f"--{name}"
    for name in words(
        "standalone rdzv_backend rdzv-backend rdzv_endpoint rdzv-endpoint rdzv_id rdzv-id rdzv_conf rdzv-conf node_rank"
        " node-rank master_addr master-addr master_port master-port max_restarts max-restarts monitor_interval"
        " monitor-interval machine_rank main_process_ip main_process_port same_network num_cpu_threads_per_process"
        " dynamo_backend main_training_function hostfile enable_each_rank_log module no_python local_ranks_filter"
        " no_local_rank no_ssh no_ssh_check ssh_port save_pid venv_script bind_cores_to_rank bind_core_list force_multi"
    )
)
"""Flags of torchrun, `accelerate launch` and `deepspeed` that say where processes meet, and nothing about a training
(torch 2.13 distributed/run.py, accelerate 1.14 commands/launch.py, deepspeed 0.19 launcher/runner.py)."""


def bare(data: Any, overrides: bool = False) -> tuple[Any, dict[Path, Path]]:
    """Data with `--per-device-batch` as `per_device_batch`, and by the place of each such name the place that it has
    in the data; unchanged where none has dashes, or where two flags would become one. Variables that share a flag's
    name are left out: the flag counts. ``overrides`` is whether a dotted name leads into sections, as
    `optimizer.lr=1e-4` and `--trainer.max_epochs 5` do on a command line."""
    if not isinstance(data, dict):
        return data, {}
    commands = [key for key, inner in data.items() if key != "SBATCH" and _flags(inner)]
    places: dict[str, Path] = {}
    for key in _flags(data):
        if places.setdefault(_bare(key), (key,)) != (key,):
            return data, {}
    dotted = overrides and any("." in key for each in (data, *data.values()) if isinstance(each, dict) for key in each)
    if not places and not commands and not dotted:
        return data, {}
    plain: dict[str, Any] = {name: data[path[0]] for name, path in places.items()}
    back: dict[Path, Path] = {(name,): path for name, path in places.items()}
    for key, value in data.items():
        if (key,) not in places.values() and key not in plain:
            plain[key] = value
            if key in commands:
                plain[key] = {_bare(name): inner for name, inner in value.items()}
                back |= {(key, _bare(name)): (key, name) for name in value if _bare(name) != name}
                plain[key] = _split(plain[key], (key,), back) if dotted else plain[key]
    return _split(plain, (), back) if dotted else plain, back


def _split(flat: dict[str, Any], base: Path, back: dict[Path, Path]) -> dict[str, Any]:
    """Dotted names as sections; what is stated of a section itself (`optimizer=adamw`) is its name."""
    nested: dict[str, Any] = {}
    origin: dict[Path, Path] = {}

    def put(parts: Sequence[str], value: Any, name: str) -> None:
        here = nested
        for number, part in enumerate(parts[:-1], 1):
            inner = here.get(part)
            if not isinstance(inner, dict):
                inner = here[part] = {} if part not in here else {"name": here[part]}
                if "name" in inner:
                    origin[(*base, *parts[:number], "name")] = origin.pop((*base, *parts[:number]))
            here = inner
        at = [*parts, "name"] if isinstance(here.get(parts[-1]), dict) else list(parts)
        (here[parts[-1]] if len(at) > len(parts) else here)[at[-1]] = value
        origin[(*base, *at)] = (*base, name)

    for name, value in flat.items():
        parts = name.split(".") if isinstance(name, str) else [name]
        if isinstance(value, dict):
            nested[name] = value
        else:
            put(parts if all(parts) else [name], value, name)
    for at, flat_place in origin.items():
        source = back.get(flat_place, flat_place)
        if at != source:
            back[at] = source
    return nested


def _flags(data: Any) -> list[str]:
    return [key for key in data if isinstance(key, str) and key.startswith("--")] if isinstance(data, dict) else []


def _bare(key: Any) -> Any:
    return key.removeprefix("--").replace("-", "_") if isinstance(key, str) and key.startswith("--") else key


def recognised(dialect: Dialect, data: Any) -> Recognition | None:
    """Whether data is of a dialect, as a file or as a command line."""
    return dialect.recognise(bare(data)[0])


def said(dialect: Dialect, data: Any, document: Document | None = None) -> Said:
    """What data of a dialect states, each at its own place. ``document`` is what it was read from: a script's flags
    and overrides are read as its program takes them."""
    script = document is not None and document.format == "shell"
    plain, places = bare(data, script and not dialect.splits)
    programs = document.programs if document is not None else []
    if len(programs) == 1 and isinstance(plain, dict) and plain is not data:
        plain[PROGRAM] = programs[0]
    handed_on = _handed_on(document, plain) if script and document is not None else set()
    read = {key: value for key, value in plain.items() if key not in handed_on} if handed_on else plain
    if programs and document is not None and document.format == "python" and isinstance(read, dict):
        read = {**read, PROGRAM: programs[0]}
    found = dialect.read(read)
    if script:
        found.statements = [_each(statement) for statement in found.statements]
    if document is not None and document.evaluating:
        _of_training(found, document)
    if plain is data:
        return found

    def place(path: Path) -> Path:
        for length in range(len(path), 0, -1):
            if path[:length] in places:
                return (*places[path[:length]], *path[length:])
        return path

    environment = {(key,) for key in data if isinstance(key, str) and _ENVIRONMENT.fullmatch(key)}
    return Said(
        [replace(statement, path=place(statement.path)) for statement in found.statements],
        [
            replace(each, at=place(each.at)) if each.at else replace(each, key=f"--{each.key}")
            for each in found.defaults
        ],
        {place(path) for path in found.silent} | environment | _of_launchers(data),
        found.trainer,
    )


def _handed_on(document: Document, plain: Any) -> set[str]:
    """The variables of values that are not known and that a flag uses: the flag says the same, and is no rival."""
    names = document.variables & plain.keys() if isinstance(plain, dict) else frozenset()
    unknown = {name for name in names if isinstance(plain[name], Opaque)}
    return {str(path[0]) for path in used(document) if path[0] in unknown} if unknown else set()


def _of_training(found: Said, document: Document) -> None:
    """Leave out what the loaders of a program's evaluation are given."""
    found.statements = [each for each in found.statements if each.path[:1] not in document.evaluating]
    found.silent |= document.evaluating


def _of_launchers(data: dict[str, Any]) -> set[Path]:
    found = {(key,) for key in data if key in _LAUNCHERS}
    return found | {
        (key, name) for key, inner in data.items() if isinstance(inner, dict) for name in inner if name in _LAUNCHERS
    }


def _each(statement: Statement) -> Statement:
    """What a flag in a loop states: each of the values that the loop gives it."""
    word = statement.word
    if isinstance(word, Opaque) and word.each and isinstance(statement.value, Opaque):
        return replace(statement, value=Searched(word.each, every=True))
    return statement


def used(document: Document) -> set[Path]:
    """The variables of a script that a flag or an override takes its value from: what they state, that states."""
    if not document.variables:
        return set()
    taken: set[tuple[int, int]] = set()
    names: set[str] = set()
    for path, node in document.leaves():
        if path[0] not in document.variables:
            taken.add((node.start, node.stop))  # that of a variable, where the flag came through another one with it
        if path[0] not in document.variables and isinstance(node, ComputedNode):
            names.update(_VARIABLE.findall(document.text, node.start, node.stop))
            if (origin := document.origin(node)) is not node:
                taken.add((origin.start, origin.stop))
    return {
        path
        for path, node in document.leaves()
        if path[0] in document.variables and (path[0] in names or (node.start, node.stop) in taken)
    }
