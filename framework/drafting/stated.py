"""What one config file states: facts with their places, by what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from framework.dialects.values import folded
from framework.drafting.finding.discovery import COMPANIONS, Found
from framework.names import Path

_PHASES = {
    **dict.fromkeys(("pretrain", "pretraining"), "pretrain"),
    **dict.fromkeys(("finetune", "finetuning", "sft"), "finetune"),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value of one fact. ``line`` is 0 for what a trainer does where nothing is stated."""

    value: Any
    file: str
    line: int
    path: Path = ()
    """The key in the file."""
    home: str = ""
    """The file in which it stands, where ``file`` is composed of several."""
    explicit: bool = False
    """Whether no dialect binds the key: the binding has to."""
    note: str = ""
    """What else a comment says about it."""

    @property
    def where(self) -> str:
        return f"{self.home or self.file}:{self.line}" if self.line else f"{self.file} (the trainer's default)"


Facts = dict[str, Evidence]
"""By fact, as a clause's path below its phase: `optimizer.learning_rate`, `batch_size.micro`, `settings.gamma`;
`?batch_size` is one that may be one device's or the whole."""


@dataclass
class Stating:
    """One file, and what it states."""

    found: Found
    phase: str
    """The phase that it is about, as far as its own name says; `train` where nothing says it."""
    facts: Facts = field(default_factory=dict)
    sections: dict[str, Facts] = field(default_factory=dict)
    """By phase, what the sections that are named as phases state."""
    tasks: dict[str, dict[str, Facts]] = field(default_factory=dict)
    """By phase and task; the phase is empty for the file's own."""
    project: Facts = field(default_factory=dict)
    """Facts outside of phases: `seed`, `hardware.count`, `model.hub`."""
    defaults: Facts = field(default_factory=dict)
    """What the trainer takes where nothing is stated."""
    optimizers: dict[Path, str] = field(default_factory=dict)
    """Sections of several optimizers, and what each of them trains."""
    presets: set[str] = field(default_factory=set)
    """Sections that change what another one says."""
    unknown: set[str] = field(default_factory=set)
    """Facts that it states, with a value that only the running program knows."""
    also: dict[str, set[str]] = field(default_factory=dict)
    """Of a program's parser: a fact, and the others that its argument is called by."""
    left: list[str] = field(default_factory=list)
    """Keys that state something of which the draft has nothing."""

    @property
    def name(self) -> str:
        return self.found.name

    @property
    def trains(self) -> bool:
        """Whether it states a training of its own, and not only what goes with another's."""
        return self.found.dialect.name not in COMPANIONS and bool(self.facts or self.sections or self.tasks)

    def every(self) -> list[Evidence]:
        """All that it states of phases."""
        inner = [facts for tasks in self.tasks.values() for facts in tasks.values()]
        return [each for facts in (self.facts, *self.sections.values(), *inner) for each in facts.values()]


def phase_named(names: Iterable[str]) -> str | None:
    """The phase that the first telling word of some names says."""
    for name in names:
        for word in re.split(r"[^A-Za-z]+", name.replace("pre_train", "pretrain").replace("fine_tune", "finetune")):
            if folded(word) in _PHASES:
                return _PHASES[folded(word)]
    return None


def phase_section(names: Iterable[str]) -> str | None:
    """The section among some that is named as a phase: what its keys are about."""
    return next((name for name in names if folded(name) in _PHASES), None)


def companion_of(name: str, phases: Iterable[str]) -> str | None:
    """The phase that a companion's own name says, if there is one."""
    named = phase_named([*PurePosixPath(name).parts, name])
    return named if named is not None and named in phases else None
