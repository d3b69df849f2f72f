"""A repository's config files, each as its trainer reads it: of a dialect, or of names that settings have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import Any

from framework.dialects.flags import said, used
from framework.dialects.registry import dialect, recognise
from framework.dialects.synonyms import OWN_OPTIMIZERS
from framework.dialects.terms import Dialect, Recognition, Said, Statement, as_ran, leaves, words
from framework.drafting.finding.candidates import PROGRAMS, candidates
from framework.drafting.finding.own_names import is_setting, telling
from framework.drafting.finding.python_sections import is_settings, sections
from framework.errors import InputError
from framework.names import Path
from framework.reading.formats import read
from framework.reading.nodes import ComputedNode, Document
from framework.stages.config.layers.config_names import pattern_of

COMPANIONS = frozenset({"accelerate", "deepspeed", "peft-adapter", "hf-model-config", "wandb-sweep"})
"""Dialects whose files stand beside another that trains: they make no training of their own."""
TELLING = frozenset(
    words(
        "optimizer.learning_rate optimizer.name optimizer.weight_decay epochs max_steps batch_size batch_size.micro"
        " schedule.name schedule.warmup.steps schedule.warmup.ratio adapter.lora.rank early_stopping.patience"
    )
)
"""Facts of which a trainer's file states one, if it is about a training."""
_FEWEST = 2
"""Keys with a training's names that make a file of no dialect a config."""


@dataclass(frozen=True)
class Found:
    """One config file."""

    name: str
    """Its path below the repository."""
    document: Document
    dialect: Dialect
    recognition: Recognition | None
    """None where no dialect recognises it, and only names tell that it is a training's."""
    data: Any
    said: Said
    sections: frozenset[str] | None = None
    """Of a program, the first parts of keys that are settings; None for a file that holds nothing else."""

    @property
    def is_program(self) -> bool:
        return self.sections is not None

    def settles(self, path: Path) -> bool:
        """Whether what stands at a path is a setting's, and no code's."""
        return self.sections is None or str(path[0]) in self.sections

    def line(self, path: Path) -> int:
        found = self.document.walk(path)
        return found[1].line if found else 1

    def home(self, path: Path) -> str:
        """The file in which it stands: another one, where a Hydra config is composed of several."""
        found = self.document.walk(path)
        return self.document.home(found[1]).file if found else self.name

    @property
    def why(self) -> str:
        """By what it was recognised."""
        return "names of settings" if self.recognition is None else self.recognition.why.replace("\n", " ")


def discover(
    root: FilePath,
    without: frozenset[FilePath] = frozenset(),
    paths: Iterable[FilePath] | None = None,
    known: Iterable[str] = (),
) -> list[Found]:
    """The config files below a folder, by path, but those that are the statement themselves; of ``paths`` alone where
    they are given. A file that names one of ``known``, and sets something, is a config whatever else it is."""
    found: list[Found] = []
    unsure: list[Found] = []
    for path in candidates(root) if paths is None else paths:
        if path.resolve() in without:
            continue
        try:
            recognised = _read(path, path.relative_to(root).as_posix())
        except (InputError, ImportError, RecursionError):
            continue
        if recognised is not None:
            sure = recognised.recognition is not None or _is_training(recognised)
            (found if sure else unsure).append(recognised)
    names = [*(each.name for each in found), *known]
    also = (each for each in unsure if _names_one(each, names) or _overrides(each, found))
    return sorted([*found, *also], key=lambda each: each.name)


def _names_one(one: Found, names: Sequence[str]) -> bool:
    """Whether a file sets something beside a config that it names (`--config base.yaml --lr 1e-3`)."""
    states = bool(_names(one)) or bool(statements_of(one))
    return not one.is_program and states and any(names_file(one, name) for name in names)


def _overrides(one: Found, others: list[Found]) -> bool:
    """Whether a file that is no training's alone sets what another one of its folder sets (`default.py`)."""
    folder = PurePosixPath(one.name).parent
    beside = [each for each in others if PurePosixPath(each.name).parent == folder and each.dialect is one.dialect]
    if one.is_program and not is_settings(one.name):
        return False
    return any(_names(one) & _names(each) for each in beside)


def _may_name(script: Found, name: str) -> bool:
    """Whether a file is one of those that a script's command names by a path with a variable in it."""
    stated = (node for command in script.document.commands for _, node in command.stated)
    patterns = (pattern_of(node.text) for node in stated if isinstance(node, ComputedNode))
    return any(pattern.fullmatch(name) for pattern in patterns if pattern is not None)


def choosing(files: Sequence[Found]) -> list[Found]:
    """The scripts that start one of several configs, whichever they are called with (`--config "configs/$1.yaml"`): no
    training of their own, and what their commands give goes before each of them."""
    return [
        each
        for each in files
        if each.document.format == "shell"
        and sum(_may_name(each, other.name) for other in files if other is not each) > 1
    ]


def names_file(one: Found, name: str) -> bool:
    """Whether a file's values name another file, or a script's commands do."""
    if one.document.format == "shell" and (
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", one.document.text) or _may_name(one, name)
    ):
        return True
    for _, word in leaves(one.data):
        if isinstance(word, str) and 3 < len(word) < 300:
            text = PurePosixPath(word).as_posix().removeprefix("./")
            if name == text or name.endswith(f"/{text}") or text.endswith(f"/{name}"):
                return True
    return False


def _names(found: Found) -> set[str]:
    """The names of a file's settings."""
    return {
        str(path[-1]) for path, value in leaves(found.data) if path and found.settles(path) and is_setting(path, value)
    }


def _read(path: FilePath, name: str) -> Found | None:
    """The file as its trainer reads it, if it is a training's; None for any other.

    Raises:
        InputError: it cannot be read.
    """
    document = read(path, name, bases=dialect("generic").bases)
    data = document.value(document.root) if document.root is not None else None
    if not isinstance(data, dict) or ("version" in data and "paper" in data):
        return None
    if path.suffix in PROGRAMS:
        return _program(document, name, data)
    if document.variables:
        told = {path[0] for path in used(document)}
        data = {key: value for key, value in data.items() if key not in told}
    recognised = recognise(data)
    if recognised is None:
        return Found(name, document, dialect("generic"), None, data, as_ran(said(dialect("generic"), data, document)))
    known, recognition = recognised
    if path.suffix.lower() in (".yaml", ".yml") and known.reader != "yaml-1.2":
        document = read(path, name, known.reader, known.bases)
        data = document.value(document.root) if document.root is not None else None
    return Found(name, document, known, recognition, data, as_ran(said(known, data, document)))


def _program(document: Document, name: str, data: dict[str, Any]) -> Found | None:
    """A program whose settings are a training's: what a dialect knows of it, it knows of its settings alone."""
    own = sections(document.text, name, list(data))
    settings = {key: value for key, value in data.items() if key in own}
    recognised = recognise(settings)
    if recognised is None or recognised[0].name == "hydra":
        generic = dialect("generic")
        return Found(name, document, generic, None, data, as_ran(said(generic, settings)), frozenset(own))
    known, recognition = recognised
    heard = as_ran(said(known, settings))
    if known.name != "generic":
        own |= {key for key in data if any(statement.path[0] == key for statement in heard.statements)}
    return Found(name, document, known, recognition, data, heard, frozenset(own))


def _is_training(found: Found) -> bool:
    """Whether a file of no dialect has the settings of a training: a known fact, or several of its names."""
    facts = {fact for each in found.said.statements for fact in (each.fact, *each.doubt)}
    named = {
        path
        for path, value in leaves(found.data)
        if path and found.settles(path) and is_setting(path, value) and telling(str(path[-1]))
    }
    return len(named | {each.path for each in found.said.statements if each.fact in facts & TELLING}) >= _FEWEST and (
        bool(facts & TELLING) or len(named) > _FEWEST
    )


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
        elif found.recognition is not None and not found.said.statements:
            left[found.name] = "it states nothing that a manifest does"
        elif (
            found.recognition is not None
            and found.dialect.name not in COMPANIONS
            and not TELLING
            & {fact.partition("|")[0] for each in found.said.statements for fact in (each.fact, *each.doubt)}
        ):
            left[found.name] = "it says nothing about a training"
        else:
            own.append(found)
    return own, left


def _below(root: FilePath, path: FilePath) -> str | None:
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def statements_of(found: Found) -> list[Statement]:
    """What a dialect makes of a file's settings."""
    return [each for each in found.said.statements if found.settles(each.path) and each.named not in OWN_OPTIMIZERS]
