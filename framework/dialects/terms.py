"""The words of dialects: a key, what it states, and what its trainer does where it is absent.

A *fact* is what a key can state, written as the clause's path below its phase: `optimizer.learning_rate`,
`schedule.warmup.ratio`, `batch_size.micro`, `optimizer.betas[1]`, `adapter.lora.rank`; and outside of phases `seed`,
`seeds`, `hardware.count`, `model.layers`, `dataset.hub`; `settings.dropout` is a fact of the catalogue
(:mod:`framework.dialects.well_known`), wherever the manifest states it. `a|b` is the first of the two that the manifest
states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from framework.names import Path

Reader = Literal["yaml-1.2", "pyyaml", "omegaconf"]
Scope = Mapping[str, Any]
"""The mapping in which a dialect's keys stand: the whole file, or the section that holds them."""


PROGRAM = "\0program"
"""The key under which a command line's scope holds its program: `trl sft`, `torchrun pretrain_gpt.py`."""
DEVICES = "it is one device's or the whole, and there are several devices"
"""Why a bare `batch_size` is doubtful where nothing but the number of devices tells the two apart."""


class Unset:
    """What a key holds when it says nothing: `max_steps: -1`."""

    def __repr__(self) -> str:
        return "<unset>"


UNSET = Unset()


class OfEpochs(float):
    """A share of the training that its file states in ``epochs`` of a ``total`` that it states, too."""

    epochs: float

    def __new__(cls, epochs: float, total: float) -> OfEpochs:
        share = super().__new__(cls, epochs / total)
        share.epochs = epochs
        return share


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a key holds when only the running program knows the value: `auto`; one of ``among``, where it is."""

    reason: str
    among: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused(Unknown):
    """What a key holds where its trainer ends in an error about it: nothing that ran had that."""


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What the manifest says of the training that a file is about, as far as it changes what a key means."""

    objective: str | None = None
    devices: int = 1
    family: str | None = None
    mixture: bool = False
    """Whether the model has experts."""


@dataclass(frozen=True, slots=True)
class ByVersion:
    """What a value is, depending on a package's release: each from a release on, the first from `0`. Where nothing
    tells the release it is unknown, unless all releases that there may be agree."""

    package: str
    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """What a key holds when it is tried with several values: these, or all between two, with a ``step`` those of
    ``low`` and whole steps from it. A value may be :class:`Unknown`."""

    values: tuple[Any, ...] = ()
    low: Any = None
    high: Any = None
    every: bool = False
    """Whether each of the values is run, as in a loop."""
    step: Any = None
    but: str = ""
    """Why a run may have another value than it was given: `early_terminate` ends runs before their epochs."""

    def __str__(self) -> str:
        if self.values:
            named = [_brief(value) for value in self.values]
            return named[0] if len(named) == 1 else f"one of {', '.join(named)}"
        if self.low is None:
            return "one of none"
        if not math.isfinite(self.high):
            return "any number" if not math.isfinite(self.low) else f"any number above {self.low}"
        spelled = f"between {_brief(self.low)} and {_brief(self.high)}"
        return spelled if self.step is None else f"{spelled} in steps of {self.step}"


def _brief(value: Any) -> str:
    """A value as a message has it."""
    if isinstance(value, Unknown):
        return "another"
    text = str(value)
    return f"{value:.4g}" if isinstance(value, float) and len(text) > 8 else text


@dataclass(frozen=True, slots=True)
class Instead:
    """A value that states another fact than its key usually does: `warmup_steps: 0.1` is a ratio."""

    fact: str
    value: Any


Translate = Callable[[Any, Scope], Any]
"""From the file's value and its scope to the manifest's terms, :data:`UNSET`, :class:`Unknown` or :class:`Instead`."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key states, and how its values translate; without ``translate`` they are taken as they are."""

    fact: str
    translate: Translate | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What one place in a file states. ``value`` is in the manifest's terms, ``word`` as the file has it.

    ``doubt`` are the facts that it could state, where that is not certain, and ``why`` says what the doubt is.
    ``within`` are names above the key that may be a phase's, a task's or a variant's.
    """

    path: Path
    fact: str
    value: Any
    word: Any
    doubt: tuple[str, ...] = ()
    why: str = ""
    within: tuple[str, ...] = ()
    named: str = ""
    """The key's own name, where it says nothing unless it is a phase's, a task's or a variant's (`epochs.sst2`)."""


class KeyWord(str):
    """A word that the file has as a key, `{adamw: {lr: 1e-4}}`: what stands at the place is the mapping."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Recognition:
    """That a document is of a dialect: how sure (from 0 to 1), and by what."""

    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Default:
    """What the trainer does where no key states a fact."""

    fact: str
    value: Any
    key: str
    """The key that would state it, for the advice."""
    firm: bool = False
    """Whether it holds although another file of the run states the fact: DeepSpeed's own optimizer."""
    by: str = ""
    """Who takes it, where not the trainer: PyTorch's AdamW."""
    at: Path = ()
    """The section that would hold the key, where the file has it."""
    yields: tuple[str, ...] = ()
    """Dialects of which a file of the same run states it instead: Trainer hands its accumulation on to DeepSpeed."""


@dataclass(slots=True)
class Said:
    """All that a dialect makes of one document."""

    statements: list[Statement] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    silent: set[Path] = field(default_factory=set)
    """Places, and all below them, that state nothing about a paper: knobs, folders, logging, `-1` for 'not set'."""
    trainer: str = ""
    """Whose defaults these are, where not the dialect's: TRL's among arguments of transformers."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One trainer's config files."""

    name: str
    """As `dialect:` in a binding names it."""
    trainer: str
    """Whose defaults these are, for messages."""
    recognise: Callable[[Any], Recognition | None]
    """Whether plain data is of this dialect, by its contents."""
    read: Callable[[Any], Said]
    """What plain data of this dialect states."""
    reader: Reader = "yaml-1.2"
    """How the trainer reads scalars of YAML."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """Pattern of a key's place -> what it states, for dialects whose keys stand at fixed places."""
    judge: Callable[[Said, Surrounding], None] | None = None
    """Takes back what is not known in the training that the file is about."""
    by_name: bool = False
    """Whether a key that it does not know is the setting of the manifest that has its name."""
    beside: bool = False
    """Whether its files are no training by themselves, but stand beside one that reads them."""
    splits: bool = False
    """Whether it takes dotted names of a command line apart itself."""
    bases: tuple[str, ...] = ()
    """Keys under which its YAML names files that it is laid over, beside those of all (`_BASE_`, `_base_`)."""


def as_ran(said: Said) -> Said:
    """With the one value in the place of several, where all releases that take a key at all agree about it."""
    for index, each in enumerate(said.statements):
        if isinstance(each.value, ByVersion):
            taken = [value for _, value in each.value.values if not isinstance(value, Refused)]
            if len(taken) == 1:
                said.statements[index] = replace(each, value=taken[0])
    return said


def words(text: str) -> tuple[str, ...]:
    """Names with spaces between, for long lists."""
    return tuple(text.split())


def mappings(data: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every mapping in plain data with its place, outermost first."""
    if isinstance(data, dict):
        yield path, data
        for key, value in data.items():
            yield from mappings(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from mappings(value, (*path, index))


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar, empty collection and list of plain values, with its place."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list) and any(isinstance(item, (dict, list)) for item in data):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))
    else:
        yield path, data
