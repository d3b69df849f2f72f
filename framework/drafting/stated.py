"""What a repository's config files state, by phase and fact: every value with the file and the line it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from framework.conformance.meaning import same
from framework.dialects.key_tables import interpolated
from framework.dialects.terms import Default, Searched, Statement, Unknown
from framework.dialects.values import folded, number
from framework.drafting.discovery import COMPANIONS, Found

_PHASES = {
    **dict.fromkeys(("pretrain", "pretraining"), "pretrain"),
    **dict.fromkeys(("finetune", "finetuning", "sft"), "finetune"),
}
_STAGES = {"pt": "pretrain", "sft": "finetune"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value of one fact. ``line`` is 0 for what a trainer does where nothing is stated."""

    value: Any
    file: str
    line: int
    note: str = ""
    """What else a comment must say about it."""
    home: str = ""
    """The file in which it stands, where ``file`` is composed of several."""

    @property
    def where(self) -> str:
        return f"{self.home or self.file}:{self.line}" if self.line else f"{self.file} (the trainer's default)"


@dataclass
class Gathered:
    """Everything that was found, by what it is about."""

    files: list[Found]
    phases: dict[str, dict[str, list[Evidence]]] = field(default_factory=dict)
    tasks: dict[str, dict[str, dict[str, list[Evidence]]]] = field(default_factory=dict)
    project: dict[str, list[Evidence]] = field(default_factory=dict)
    """Facts outside of phases: `seed`, `hardware.count`, `model.hub`."""
    phases_of: dict[str, set[str]] = field(default_factory=dict)
    """The phases that each file is about."""
    nested: set[str] = field(default_factory=set)
    """Files whose sections name their phases."""
    adapted: set[str] = field(default_factory=set)
    """Files that configure an adapter."""


def gather(files: list[Found]) -> Gathered:
    """Sort the statements of all files; what is doubtful or only known at run time is left out."""
    gathered = Gathered(files)
    trainers = [found for found in files if _trains(found)]
    for found in trainers or files:
        _take(gathered, found, None)
    for found in files if trainers else ():
        if not _trains(found):
            named = _named([*PurePosixPath(found.name).parts, found.name])
            only = next(iter(gathered.phases), None) if len(gathered.phases) == 1 else None
            adapters = any(statement.fact.startswith("adapter.") for statement in found.said.statements)
            adapted = "finetune" if adapters and "finetune" in gathered.phases else None
            _take(gathered, found, (named if named in gathered.phases else None) or adapted or only or "")
    return gathered


def _trains(found: Found) -> bool:
    """Whether a file states a training of its own, and not only what goes with another's."""
    facts = {statement.fact for statement in found.said.statements}
    return found.dialect.name not in COMPANIONS and bool(facts & {"optimizer.learning_rate", "epochs", "max_steps"})


def _named(names: Iterable[str]) -> str | None:
    for name in names:
        for word in re.split(r"[^A-Za-z]+", name.replace("pre_train", "pretrain").replace("fine_tune", "finetune")):
            if folded(word) in _PHASES:
                return _PHASES[folded(word)]
    return None


def _take(gathered: Gathered, found: Found, phase: str | None) -> None:
    """The statements of one file; ``phase`` is what a companion file is about, empty where that is not known."""
    stage = found.data.get("stage") if isinstance(found.data, dict) else None
    usual = _STAGES.get(stage) if isinstance(stage, str) else None
    usual = usual or _named([found.name]) or "train"
    for statement in found.said.statements:
        if isinstance(statement.value, Unknown) or interpolated(statement.word):
            continue
        value, note = statement.value, ""
        if isinstance(value, Searched):
            value, note = (value.values[0] if value.values else value.low), f"TODO: searched, {value}"
        value = number(value, {}) if isinstance(value, str) else value
        evidence = Evidence(value, found.name, found.line(statement), note, found.home(statement))
        kind = statement.fact.partition(".")[0]
        if kind in ("seed", "seeds", "hardware", "model", "dataset", "prune"):
            gathered.project.setdefault(statement.fact, []).append(evidence)
            continue
        own = next((name for name in statement.within if folded(name) in _PHASES), None)
        if own is not None:
            gathered.nested.add(found.name)
        where = own or (usual if phase is None else phase)
        if kind == "adapter":
            gathered.adapted.add(found.name)
        if where:
            _file(gathered, found, where, statement, evidence)
    if phase is None and len(gathered.phases_of.get(found.name, ())) == 1:
        facts = gathered.phases[next(iter(gathered.phases_of[found.name]))]
        for default in found.said.defaults:
            _assume(facts, found, default)


_LENGTHS = frozenset({"optimizer.learning_rate", "epochs", "max_steps", "batch_size", "batch_size.micro"})
"""Facts of which a phase needs one to be a training."""


def trainings(gathered: Gathered) -> bool:
    """Whether any file states a training: a learning rate, a length or a batch."""
    facts = (fact.lstrip("?") for own in gathered.phases.values() for fact in own)
    tasks = (fact for own in gathered.tasks.values() for task in own.values() for fact in task)
    return any(fact in _LENGTHS for fact in (*facts, *tasks))


def _file(gathered: Gathered, found: Found, phase: str, statement: Statement, evidence: Evidence) -> None:
    gathered.phases_of.setdefault(found.name, set()).add(phase)
    facts = gathered.phases.setdefault(phase, {})
    if statement.named:
        task = gathered.tasks.setdefault(phase, {}).setdefault(statement.named, {})
        task.setdefault(statement.fact, []).append(evidence)
    elif statement.doubt:
        facts.setdefault(f"?{statement.fact}", []).append(evidence)
    else:
        facts.setdefault(statement.fact, []).append(evidence)


def _assume(facts: dict[str, list[Evidence]], found: Found, default: Default) -> None:
    facts.setdefault(f"={default.fact}", []).append(Evidence(default.value, found.name, 0))


def groups(evidence: list[Evidence]) -> list[list[Evidence]]:
    """The evidence by value: what most files say first, and of equally many what was found first."""
    found: list[list[Evidence]] = []
    for each in evidence:
        for group in found:
            if same(group[0].value, each.value):
                group.append(each)
                break
        else:
            found.append([each])
    return sorted(found, key=lambda group: -len({each.file for each in group}))
