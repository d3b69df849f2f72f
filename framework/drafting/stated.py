"""What one config file states: facts with their places, those of known clauses and those of its own names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from framework.conformance.meaning import same
from framework.dialects.key_tables import interpolated
from framework.dialects.synonyms import meaning, normal
from framework.dialects.terms import DEVICES, Searched, Statement, Unknown, leaves
from framework.dialects.values import folded, number
from framework.drafting.finding.discovery import COMPANIONS, Found, statements_of
from framework.drafting.finding.own_names import ALSO, is_setting, is_value, settings_path
from framework.drafting.finding.python_sections import aliases
from framework.drafting.fitting_values import COUNTS, KNOWN, fits
from framework.names import Path, format_path
from framework.reading.nodes import Opaque

_PHASES = {
    **dict.fromkeys(("pretrain", "pretraining"), "pretrain"),
    **dict.fromkeys(("finetune", "finetuning", "sft"), "finetune"),
}
_STAGES = {"pt": "pretrain", "sft": "finetune"}
_DATASETS = ("dataset", "dataset_name")
PROJECT = ("seed", "seeds", "hardware", "model", "dataset")
"""The first parts of facts that are not a phase's."""


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


def stating(found: Found) -> Stating:
    """What a file states; what is doubtful or only known at run time is left out."""
    stage = found.data.get("stage") if isinstance(found.data, dict) else None
    own = (_STAGES.get(stage) if isinstance(stage, str) else None) or phase_named([found.name]) or "train"
    made = Stating(found, own)
    taken: set[Path] = set(found.said.silent)
    for group in _by_fact(statements_of(found)):
        taken |= _take(made, group)
    if found.dialect.name not in COMPANIONS:
        _own_names(made, taken)
    for default in found.said.defaults:
        made.defaults.setdefault(default.fact, Evidence(default.value, found.name, 0))
    if found.is_program:
        made.also = _also(found.document.text)
    if "adapter.lora.alpha" not in {*made.facts, *made.defaults}:
        for fact in [fact for fact in made.facts if fact.startswith("adapter.")]:
            # An adapter needs what it is scaled by; without that, its values stand under their own names.
            each = made.facts.pop(fact)
            if is_value(each.value):
                _set(made, None, settings_path(each.path, _wrapped(found)), replace(each, explicit=True))
    return made


def _also(text: str) -> dict[str, set[str]]:
    """The facts of a parser's arguments that have several names."""
    found: dict[str, set[str]] = {}
    for flags in aliases(text):
        known = [meaning(normal(flag), None) for flag in flags]
        facts = {key.fact for key in known if key is not None}
        facts |= {ALSO.get(normal(flag)) or format_path(("settings", *settings_path((flag,)))) for flag in flags}
        found.update({fact: facts - {fact} for fact in facts})
    return found


def _wrapped(found: Found) -> list[str]:
    """The sections of a program, which its settings are not called by."""
    return [key for key in (found.sections or ()) if not key.startswith("-")]


def phase_named(names: Iterable[str]) -> str | None:
    """The phase that the first telling word of some names says."""
    for name in names:
        for word in re.split(r"[^A-Za-z]+", name.replace("pre_train", "pretrain").replace("fine_tune", "finetune")):
            if folded(word) in _PHASES:
                return _PHASES[folded(word)]
    return None


def _by_fact(statements: list[Statement]) -> list[list[Statement]]:
    """The statements of one fact about one phase and task together."""
    groups: dict[tuple[str, str | None, str], list[Statement]] = {}
    for each in statements:
        groups.setdefault((each.fact, _section(each), each.named), []).append(each)
    return list(groups.values())


def _section(statement: Statement) -> str | None:
    return _phase_section(statement.within)


def _phase_section(names: Iterable[str]) -> str | None:
    """The section among some that is named as a phase: what its keys are about."""
    return next((name for name in names if folded(name) in _PHASES), None)


def _take(made: Stating, group: list[Statement]) -> set[Path]:
    """File what several keys of one fact say, if they say one thing; the keys that are done with."""
    found = made.found
    known = [each for each in group if not isinstance(each.value, (Unknown, Searched)) and not interpolated(each.word)]
    gone = {each.path for each in group} - {each.path for each in known}
    if not known:
        made.unknown.add(group[0].fact.partition("|")[0])
        return gone
    first, fact = known[0], known[0].fact
    fact = fact.partition("|")[0]
    doubtful = any(each.doubt and each.why != DEVICES for each in known)
    value = number(first.value, {}) if isinstance(first.value, str) and fact in KNOWN else first.value
    if isinstance(value, float) and fact in COUNTS and value.is_integer():
        value = int(value)  # `1e6` is a number of steps
    if doubtful or any(not same(each.value, first.value) for each in known[1:]):
        return gone  # they may be settings, each under its own name
    evidence = Evidence(value, found.name, found.line(first.path), first.path, found.home(first.path))
    if fact.partition(".")[0] in PROJECT:
        made.project.setdefault(fact, evidence)
    elif fact.startswith(("mask.", "prune.")):
        return gone | {each.path for each in known}
    elif not _is_statable(fact, value, any(each.doubt for each in known)):
        return gone
    else:
        section = _section(first)
        facts = made.facts if section is None else made.sections.setdefault(section, {})
        if first.named:
            tasks = made.tasks.setdefault(section or "", {})
            facts = tasks.setdefault(first.named, {})
        doubt = "?" if any(each.doubt for each in known) else ""
        facts.setdefault(doubt + fact, evidence)
    return gone | {each.path for each in known}


def _is_statable(fact: str, value: Any, doubtful: bool) -> bool:
    """Whether the manifest can hold a value; a doubtful setting goes under its own name."""
    return is_value(value) and not doubtful if fact.startswith("settings.") else fits(fact, value)


def _own_names(made: Stating, taken: set[Path]) -> None:
    """Facts that no dialect knows: by another spelling of a clause, else as settings under their own names."""
    found = made.found
    presets = made.presets = _presets(found.data) if not found.is_program else set()
    shell = found.document.format == "shell"
    flags = shell and any(str(path[-1]).startswith("-") for path, _ in leaves(found.data) if path)
    quoted = found.document.format == "json"  # where a number in quotes is a text for every reader
    rivals: dict[str, list[Evidence]] = {}
    for path, word in leaves(found.data):
        if not path or not found.settles(path) or any(path[:size] in taken for size in range(1, len(path) + 1)):
            continue
        if isinstance(word, str) and not quoted and isinstance(parsed := number(word, {}), (int, float)):
            word = parsed
        wrapped = _wrapped(found) + [str(part) for part in path[:-1] if shell]
        if path[0] in presets or (flags and not str(path[-1]).startswith("-")) or not is_setting(path, word):
            if isinstance(word, Opaque) or interpolated(word):
                own = ALSO.get(normal(str(path[-1]))) or format_path(("settings", *settings_path(path, wrapped)))
                made.unknown.add(own)
            made.left.append(format_path(path))
            continue
        home = found.home(path)
        evidence = Evidence(word, found.name, found.line(path), path, home if home != found.name else "", True)
        fact = ALSO.get(normal(str(path[-1])), "")
        if normal(str(path[-1])) in _DATASETS and isinstance(word, str) and not found.is_program:
            fact = "dataset"
        section = _phase_section([str(part) for part in path[:-1]])
        if fact and section is None and fits(fact, word):
            rivals.setdefault(fact, []).append(evidence)
        else:
            _set(made, section, settings_path(path, wrapped), evidence)
    for fact, several in rivals.items():
        if fact not in made.facts and len(several) == 1 and not _beside(fact, made.facts):
            made.facts[fact] = several[0]
            continue
        for each in several:
            _set(made, None, settings_path(each.path, _wrapped(found)), each)


def _beside(fact: str, facts: Facts) -> bool:
    """Whether a clause that another one excludes is stated already."""
    if fact == "batch_size":
        return any(name.startswith("batch_size") for name in facts)
    lengths = {"epochs", "max_steps"}
    return fact in lengths and bool(lengths & facts.keys())


def _set(made: Stating, section: str | None, names: Path, evidence: Evidence) -> None:
    """File a setting; where one of its name is there, under the whole path of its key."""
    facts = made.facts if section is None else made.sections.setdefault(section, {})
    if section is not None:
        names = tuple(name for name in names if name != section)
    fact = format_path(("settings", *names))
    if fact in facts and not same(facts[fact].value, evidence.value):
        fact = format_path(("settings", *(str(part).lstrip("-") for part in evidence.path)))
    if any(other.startswith(f"{fact}.") or fact.startswith(f"{other}.") for other in facts):
        fact = format_path(("settings", ".".join(str(part) for part in evidence.path)))
    facts.setdefault(fact, evidence)


def _presets(data: Any) -> set[str]:
    """Sections that change what another one says: `atari:` beside `defaults:`, with the same keys."""
    if not isinstance(data, dict):
        return set()
    base = next((key for key in data if normal(str(key)) in ("defaults", "default", "base", "common")), None)
    if base is None or not isinstance(data[base], dict):
        return set()
    known = {".".join(map(str, path)) for path, _ in leaves(data[base])}
    found = set()
    for key, inner in data.items():
        if key != base and isinstance(inner, dict):
            own = [".".join(map(str, path)) for path, _ in leaves(inner)]
            if own and sum(name in known for name in own) * 2 >= len(own):
                found.add(key)
    return found


def companion_of(name: str, phases: Iterable[str]) -> str | None:
    """The phase that a companion's own name says, if there is one."""
    named = phase_named([*PurePosixPath(name).parts, name])
    return named if named is not None and named in phases else None
