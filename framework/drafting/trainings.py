"""Which files are one training, which are alternatives to each other, and which hold only defaults or go beside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from framework.dialects.terms import words
from framework.drafting.finding.discovery import COMPANIONS, names_file
from framework.drafting.finding.python_sections import is_settings
from framework.drafting.stated import Facts, Stating, companion_of

_DEFAULT = frozenset(words("default defaults base common basic"))
_SHARED = 2
"""Facts that a file of defaults and one that replaces some must have in common."""


@dataclass
class Training:
    """One training: a file, those that go beside it, and those whose defaults it replaces."""

    main: Stating
    section: str = ""
    """The section of the file that is about it, where its sections name phases."""
    companions: list[Stating] = field(default_factory=list)
    defaults: list[Stating] = field(default_factory=list)
    name: str = ""
    """What tells it from its alternatives."""

    @property
    def facts(self) -> Facts:
        return self.main.sections.get(self.section, {}) if self.section else self.main.facts

    @property
    def tasks(self) -> dict[str, Facts]:
        return self.main.tasks.get(self.section, {})


@dataclass
class Arranged:
    """All trainings by phase, and what goes with no single one of them."""

    statings: list[Stating]
    phases: dict[str, list[Training]] = field(default_factory=dict)
    companions: dict[str, list[Stating]] = field(default_factory=dict)
    """By phase; under the empty name those of which nobody can tell."""
    notes: list[str] = field(default_factory=list)


def arranged(statings: list[Stating]) -> Arranged:
    """Put the files together that are about one training."""
    made = Arranged(statings)
    trainers = [each for each in statings if each.trains]
    if not trainers:
        trainers = [each for each in statings if each.facts]
    beside = [
        each for each in statings if each not in trainers and (each.facts or each.project or each.found.said.statements)
    ]
    uses = {id(each): _mentioned(each, statings) for each in trainers}
    used = {id(other) for each in trainers for other in uses[id(each)]}
    sources = [each for each in trainers if id(each) not in used and not _is_default(each, trainers)]
    for each in sources:
        training = Training(each)
        for other in uses[id(each)]:
            (training.companions if other.found.dialect.name in COMPANIONS else training.defaults).append(other)
        training.defaults += [
            other
            for other in trainers
            if other not in sources
            and other not in training.defaults
            and id(other) not in used
            and _replaces(each, other)
        ]
        _place(made, training)
    for other in beside:
        if any(other in training.companions for several in made.phases.values() for training in several):
            continue
        made.companions.setdefault(_phase_beside(other, made), []).append(other)
    return made


def _place(made: Arranged, training: Training) -> None:
    """File a training under its phase; of a file whose sections name phases, each section."""
    each = training.main
    for section in dict.fromkeys([*each.sections, *(name for name in each.tasks if name)]):
        part = Training(each, section, training.companions, training.defaults)
        made.phases.setdefault(section, []).append(part)
    if not each.sections and not any(each.tasks):
        made.phases.setdefault(each.phase, []).append(training)


def _phase_beside(other: Stating, made: Arranged) -> str:
    named = companion_of(other.name, made.phases)
    if named is None and any(fact.startswith("adapter.") for fact in other.facts) and "finetune" in made.phases:
        named = "finetune"
    only = next(iter(made.phases)) if len(made.phases) == 1 else ""
    return named or only


def _mentioned(one: Stating, others: list[Stating]) -> list[Stating]:
    """The files that a file names among its values: `--config configs/base.yaml`, `deepspeed: ds.json`."""
    return [other for other in others if other is not one and names_file(one.found, other.name)]


def _is_default(one: Stating, trainers: list[Stating]) -> bool:
    """Whether a file holds what others replace: a parser's or a dataclass's defaults, or `base.yaml`."""
    named = bool(_DEFAULT & set(re.split(r"[^a-z]+", PurePosixPath(one.name).stem.casefold())))
    program = one.found.is_program and not is_settings(one.name)
    if not named and not program and not one.found.is_program:
        return False
    rivals = [each for each in trainers if each is not one and _replaces(each, one)]
    if named:
        return any(_all(one) - _all(each) for each in rivals)  # else it is one of them: `base` beside `large`
    return any(not each.found.is_program or (program and is_settings(each.name)) for each in rivals)


def _replaces(one: Stating, default: Stating) -> bool:
    """Whether a file sets what one of defaults has: two facts of it, or half of the few that it sets."""
    own = _all(one)
    common = own & _all(default)
    return len(common) >= min(_SHARED, max(1, len(own) // 2)) and bool(common)


def _all(one: Stating) -> set[str]:
    facts: Iterable[Facts] = (one.facts, *one.sections.values())
    return {fact.lstrip("?") for each in facts for fact in each}
