"""The bindings of the draft: each file with the phase that it is about, and the keys that no dialect binds."""

from __future__ import annotations

from framework.drafting.clauses_of_trainings import Clauses
from framework.drafting.drafted_models import Named
from framework.drafting.leaves import Leaf, Tree
from framework.drafting.stated import Facts, Stating
from framework.drafting.trainings import Arranged
from framework.names import format_path

_CLAUSES = {"schedule.warmup.": "schedule.warmup", "batch_size.": "batch_size", "optimizer.betas[": "optimizer.betas"}
"""How facts begin that are parts of a clause, and the clause."""


def bindings_of(arranged: Arranged, clauses: dict[str, Clauses], models: Named, adapted: str | None) -> list[Tree]:
    """One binding for each file that states something; of a file of defaults, only what nothing else states."""
    places = _places(arranged)
    defaults = {each.name for several in arranged.phases.values() for one in several for each in one.defaults}
    found = []
    for each in arranged.statings:
        if each.name not in places:
            continue
        binding = _binding(each, places[each.name], clauses, each.name in defaults)
        if each.name in defaults and "keys" not in binding:
            continue
        if len(models.tree) > 1 and each.name in models.of:
            binding["model"] = Leaf(models.of[each.name])
        if adapted is not None and any(fact.startswith("adapter.lora") for fact in each.facts):
            binding["variant"] = Leaf(adapted)
        found.append(binding)
    return found


def _places(arranged: Arranged) -> dict[str, list[str]]:
    """By file, the phases that it is about; none where nobody can tell."""
    found: dict[str, list[str]] = {}
    for phase, trainings in arranged.phases.items():
        for training in trainings:
            for each in (training.main, *training.companions, *training.defaults):
                phases = found.setdefault(each.name, [])
                if phase not in phases:
                    phases.append(phase)
    for phase, statings in arranged.companions.items():
        for each in statings:
            found.setdefault(each.name, [phase] if phase else [])
    return found


def _binding(stating: Stating, phases: list[str], clauses: dict[str, Clauses], is_default: bool) -> Tree:
    binding: Tree = {"file": Leaf(stating.name)}
    if not is_default:
        binding["dialect"] = Leaf(stating.found.dialect.name, stating.found.why)
    whole = bool(stating.sections) or any(stating.tasks) or len(phases) != 1
    if not whole:
        binding["describes"] = Leaf(f"phases.{phases[0]}")
    keys: Tree = {}
    for section, facts in (("", stating.facts), *stating.sections.items()):
        for phase in [section] if section else phases:
            prefix = f"phases.{phase}." if whole else ""
            keys.update(_keys(facts, clauses.get(phase, {}), prefix, stating.name if is_default else ""))
    if keys:
        binding["keys"] = keys
    if is_default and (replaced := _replaced(stating, keys)):
        binding["ignore"] = Leaf([*replaced, *_code(stating)], "other files set them, or they are code")
    elif code := _code(stating):
        binding["ignore"] = Leaf(code, "code, and no settings")
    return binding


def _code(stating: Stating) -> list[str]:
    """The parts of a program that are no settings."""
    own = stating.found.sections
    if own is None:
        return []
    names = [format_path((key,)) for key in stating.found.data if key not in own]
    return [*names, *(key for key in stating.left if key in own and not key.startswith("-"))]


def _replaced(stating: Stating, keys: Tree) -> list[str]:
    """The keys of a file of defaults that say nothing of the trainings, for others say it."""
    return [name for each in stating.every() if (name := format_path(each.path)) not in keys]


def _keys(facts: Facts, clauses: Clauses, prefix: str, only_first_of: str) -> Tree:
    """The keys that need a line of their own: no dialect binds them, or only some of the file's do bind."""
    found: Tree = {}
    for fact, evidence in facts.items():
        if not evidence.explicit and not fact.startswith("?") and not only_first_of:
            continue
        clause = _clause(fact.lstrip("?"))
        if clause not in clauses:
            continue
        if only_first_of and clauses[clause][0].file != only_first_of:
            continue
        if fact.startswith("?") and clauses[clause][0].path != evidence.path:
            continue
        found[format_path(evidence.path)] = Leaf(prefix + fact.lstrip("?"))
    return found


def _clause(fact: str) -> str:
    return next((clause for start, clause in _CLAUSES.items() if fact.startswith(start)), fact)
