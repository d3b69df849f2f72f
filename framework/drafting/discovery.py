"""Finding a repository's config files: bounded, and never out of the folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from framework.dialects.flags import said
from framework.dialects.registry import recognise
from framework.dialects.terms import Dialect, Recognition, Said, Statement, words
from framework.dialects.well_known.keys import SETTINGS, about_fields
from framework.errors import InputError
from framework.reading.formats import read
from framework.reading.nodes import Document

SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".sh")
SKIPPED = frozenset(
    words("node_modules venv env site-packages __pycache__ build dist wandb mlruns runs outputs checkpoints logs")
)
"""Folders that hold no config of the experiment itself; so do all whose name starts with a dot."""
LARGEST = 256 * 1024
"""Bytes above which a file is data and no config."""
MOST = 20_000
"""Files after which the search ends."""


COMPANIONS = frozenset({"accelerate", "deepspeed", "peft-adapter", "hf-model-config"})
"""Dialects whose files stand beside another that trains: they make no phase of their own."""
_TELLING = frozenset(
    words(
        "optimizer.learning_rate optimizer.name optimizer.weight_decay epochs max_steps batch_size batch_size.micro"
        " schedule.name schedule.warmup.steps schedule.warmup.ratio adapter.lora.rank early_stopping.patience"
    )
)
"""Facts of which a trainer's file states one, if it is about a training."""


@dataclass(frozen=True)
class Found:
    """One config file of a known dialect."""

    name: str
    """Its path below the repository."""
    document: Document
    dialect: Dialect
    recognition: Recognition
    data: Any
    said: Said

    def line(self, statement: Statement) -> int:
        found = self.document.walk(statement.path)
        return found[1].line if found else 1

    def home(self, statement: Statement) -> str:
        """The file in which it stands: another one, where a Hydra config is composed of several."""
        found = self.document.walk(statement.path)
        return self.document.home(found[1]).file if found else self.name


def discover(root: FilePath) -> list[Found]:
    """The config files below a folder that a dialect recognises, by path."""
    found: list[Found] = []
    for path in _candidates(root):
        name = path.relative_to(root).as_posix()
        recognised = _read(path, name)
        if recognised is not None:
            found.append(recognised)
    return found


def standing(root: FilePath, files: list[Found]) -> tuple[list[Found], dict[str, str]]:
    """The files that stand for themselves, and why each of the others does not: parts of a Hydra config that another
    file composes, the other choices of its groups, and files that state nothing."""
    parts: dict[str, str] = {}
    groups: dict[FilePath, str] = {}
    for found in files:
        for path, _ in found.document.composed:
            name = _below(root, path)
            if name is not None and name != found.name and path.is_file():
                parts.setdefault(name, found.name)
                if path.parent != (root / found.name).parent:
                    groups.setdefault(path.parent, found.name)
    own, left = [], {}
    for found in files:
        folder = (root / found.name).parent
        if found.name in parts and parts.get(parts[found.name]) != found.name:
            left[found.name] = f"{parts[found.name]} composes it"
        elif folder in groups and found.name not in parts:
            left[found.name] = f"another choice of a group of {groups[folder]}"
        elif not found.said.statements:
            left[found.name] = "it states nothing that a manifest does"
        elif found.dialect.name not in COMPANIONS and not _TELLING & {
            fact.partition("|")[0] for each in found.said.statements for fact in (each.fact, *each.doubt)
        }:
            left[found.name] = "it says nothing about a training"
        else:
            own.append(found)
    return own, left


def _below(root: FilePath, path: FilePath) -> str | None:
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def _candidates(root: FilePath) -> Iterator[FilePath]:
    real = root.resolve()
    seen = 0
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not (FilePath(folder) / name / "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            path = FilePath(folder) / name
            seen += 1
            if seen > MOST:
                return
            if name.startswith(".") or not (path.suffix.lower() in SUFFIXES or _is_settings(path)):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(real):
                continue
            if path.is_file() and path.stat().st_size <= LARGEST:
                yield path


def _is_settings(path: FilePath) -> bool:
    """Whether a Python file is one of settings, by its name or its folder's: `config/train_gpt2.py`."""
    parts = (path.stem.casefold(), path.parent.name.casefold())
    return path.suffix == ".py" and any(re.search(r"(?:^|_)(?:config|configs|conf|cfg)(?:_|$)", part) for part in parts)


def _read(path: FilePath, name: str) -> Found | None:
    """The file as its trainer reads it, if it is of a known dialect; None for any other, and for what is unreadable."""
    try:
        document = read(path, name)
        data = document.value(document.root) if document.root is not None else None
        if isinstance(data, dict) and "version" in data and "paper" in data:
            return None
        recognised = recognise(data)
        if recognised is None:
            return None
        dialect, recognition = recognised
        if path.suffix.lower() in (".yaml", ".yml") and dialect.reader != "yaml-1.2":
            document = read(path, name, dialect.reader)
            data = document.value(document.root) if document.root is not None else None
        found = said(dialect, data)
        found.statements = about_fields(found.statements)  # a draft has the manifest's own fields
        found.defaults = [default for default in found.defaults if not default.fact.startswith(SETTINGS)]
        return Found(name, document, dialect, recognition, data, found)
    except (InputError, ImportError, RecursionError):
        return None
