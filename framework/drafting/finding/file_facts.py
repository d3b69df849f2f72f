"""What one config file states, of all that it holds: facts of known clauses, and those of its own names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from framework.conformance.meaning import same
from framework.dialects.key_tables import interpolated
from framework.dialects.sections import rough
from framework.dialects.synonyms import normal
from framework.dialects.terms import DEVICES, Searched, Statement, Unknown
from framework.dialects.values import number
from framework.drafting.finding.discovery import COMPANIONS, Found, statements_of
from framework.drafting.finding.own_facts import (
    also_called,
    own_names_of,
    parts_alone,
    presets_of,
    put_setting,
    wrapped_in,
)
from framework.drafting.finding.own_names import is_value, settings_path
from framework.drafting.finding.several_optimizers import several_optimizers
from framework.drafting.fitting_values import COUNTS, KNOWN, fits
from framework.drafting.stated import Evidence, Stating, phase_named, phase_section
from framework.names import Path
from framework.reading.nodes import Opaque

_STAGES = {"pt": "pretrain", "sft": "finetune"}
_TRAINING = frozenset(("train", "training", "trainer"))
PROJECT = ("seed", "seeds", "hardware", "model", "dataset")
"""The first parts of facts that are not a phase's."""


def stating(found: Found) -> Stating:
    """What a file states; what is doubtful or only known at run time is left out."""
    stage = found.data.get("stage") if isinstance(found.data, dict) else None
    own = (_STAGES.get(stage) if isinstance(stage, str) else None) or phase_named([found.name]) or "train"
    made = Stating(found, own)
    made.presets = presets_of(found.data) if not found.is_program else set()
    made.optimizers = several_optimizers(found.data, made.presets) if not found.is_program else {}
    taken: set[Path] = set(found.said.silent)
    for group in _by_fact([each for each in statements_of(found) if each.path[0] not in made.presets]):
        taken |= _take(made, group)
    if found.dialect.name not in COMPANIONS:
        own_names_of(made, taken)
    for default in found.said.defaults:
        made.defaults.setdefault(default.fact, Evidence(default.value, found.name, 0))
    if found.is_program:
        made.also = also_called(found.document.text)
    if found.dialect.name not in COMPANIONS:
        for fact in parts_alone(made):
            each = made.facts.pop(fact)
            if is_value(each.value):
                put_setting(made, None, settings_path(each.path, wrapped_in(found)), replace(each, explicit=True))
    return made


def _by_fact(statements: list[Statement]) -> list[list[Statement]]:
    """The statements of one fact about one phase and task together."""
    groups: dict[tuple[str, str | None, str], list[Statement]] = {}
    for each in statements:
        groups.setdefault((each.fact, _section(each), each.named), []).append(each)
    return list(groups.values())


def _section(statement: Statement) -> str | None:
    return phase_section(statement.within)


def _take(made: Stating, group: list[Statement]) -> set[Path]:
    """File what several keys of one fact say, if they say one thing; the keys that are done with."""
    found = made.found
    at_run_time = (Unknown, Searched, Opaque)
    known = [each for each in group if not isinstance(each.value, at_run_time) and not interpolated(each.word)]
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
    several = made.optimizers and fact.startswith("optimizer.")
    if doubtful or several or _beside_training(first, found) or any(not same(e.value, first.value) for e in known[1:]):
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


def _beside_training(statement: Statement, found: Found) -> bool:
    """Whether a key stands in another section than the training, which has one of its own: `TRACK` beside `TRAIN`."""
    names = {normal(str(key)) for key in found.data} if isinstance(found.data, dict) else set()
    inside = rough(statement.within)
    return bool(inside) and _section(statement) is None and bool(names & _TRAINING) and not found.is_program


def _is_statable(fact: str, value: Any, doubtful: bool) -> bool:
    """Whether the manifest can hold a value; a doubtful setting goes under its own name."""
    return is_value(value) and not doubtful if fact.startswith("settings.") else fits(fact, value)
