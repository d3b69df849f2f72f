"""Facts that no dialect knows: by another spelling of a clause, else as settings under their own names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from framework.conformance.meaning import same
from framework.dialects.key_tables import interpolated
from framework.dialects.synonyms import meaning, normal
from framework.dialects.terms import leaves
from framework.dialects.values import number
from framework.drafting.finding.discovery import Found
from framework.drafting.finding.own_names import ALSO, is_setting, settings_path, whole_leaves
from framework.drafting.finding.python_sections import aliases
from framework.drafting.finding.several_optimizers import of_optimizer
from framework.drafting.fitting_values import fits
from framework.drafting.stated import Evidence, Facts, Stating, phase_section
from framework.names import Path, format_path
from framework.reading.nodes import Opaque

_DATASETS = ("dataset", "dataset_name")


def own_names_of(made: Stating, taken: set[Path]) -> None:
    """Facts that no dialect knows: by another spelling of a clause, else as settings under their own names."""
    found = made.found
    shell = found.document.format == "shell"
    flags = shell and any(str(path[-1]).startswith("-") for path, _ in leaves(found.data) if path)
    quoted = found.document.format == "json"  # where a number in quotes is a text for every reader
    rivals: dict[str, list[Evidence]] = {}
    for path, word in whole_leaves(found.data):
        if not path or not found.settles(path) or any(path[:size] in taken for size in range(1, len(path) + 1)):
            continue
        if isinstance(word, str) and not quoted and isinstance(parsed := number(word, {}), (int, float)):
            word = parsed
        wrapped = wrapped_in(found) + [str(part) for part in path[:-1] if shell]
        if path[0] in made.presets or (flags and not str(path[-1]).startswith("-")) or not is_setting(path, word):
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
        section = phase_section([str(part) for part in path[:-1]])
        if path[:-1] in made.optimizers:
            its, value = of_optimizer(made.optimizers[path[:-1]], str(path[-1]), word)
            made.facts.setdefault(its, replace(evidence, value=value))
            continue
        if fact and section is None and fits(fact, word):
            rivals.setdefault(fact, []).append(evidence)
        else:
            put_setting(made, section, settings_path(path, wrapped), evidence)
    for fact, several in rivals.items():
        if fact not in made.facts and len(several) == 1 and not _beside(fact, made.facts):
            made.facts[fact] = several[0]
            continue
        for each in several:
            put_setting(made, None, settings_path(each.path, wrapped_in(found)), each)


def _beside(fact: str, facts: Facts) -> bool:
    """Whether a clause that another one excludes is stated already."""
    if fact == "batch_size":
        return any(name.startswith("batch_size") for name in facts)
    lengths = {"epochs", "max_steps"}
    return fact in lengths and bool(lengths & facts.keys())


def put_setting(made: Stating, section: str | None, names: Path, evidence: Evidence) -> None:
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


def presets_of(data: Any) -> set[str]:
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


def also_called(text: str) -> dict[str, set[str]]:
    """The facts of a parser's arguments that have several names."""
    found: dict[str, set[str]] = {}
    for flags in aliases(text):
        known = [meaning(normal(flag), None) for flag in flags]
        facts = {key.fact for key in known if key is not None}
        facts |= {ALSO.get(normal(flag)) or format_path(("settings", *settings_path((flag,)))) for flag in flags}
        found.update({fact: facts - {fact} for fact in facts})
    return found


def wrapped_in(found: Found) -> list[str]:
    """The sections of a program, which its settings are not called by."""
    return [key for key in (found.sections or ()) if not key.startswith("-")]


def parts_alone(made: Stating) -> list[str]:
    """Facts that are a part of a clause of which the rest is not known: they stand under their own names."""
    known = {*made.facts, *made.defaults}
    found = []
    if not {"adapter.lora.rank", "adapter.lora.alpha"} <= known:
        found += [fact for fact in made.facts if fact.startswith("adapter.")]
    factors = {"batch_size.micro", "batch_size.accumulation"}
    if "batch_size" not in known and len(factors & known) == 1:
        found += sorted(factors & made.facts.keys())
    return found
