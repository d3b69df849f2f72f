"""The bindings of the draft: each file with what it is about, and the keys that no dialect binds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from framework.conformance.meaning import same
from framework.dialects.key_tables import at
from framework.drafting.alternatives import Split
from framework.drafting.clauses_of_trainings import Clauses
from framework.drafting.drafted_models import Named
from framework.drafting.drafted_phases import in_task
from framework.drafting.drafted_variants import LORA, told
from framework.drafting.leaves import Leaf, Remark, Tree, listed
from framework.drafting.stated import Facts, Stating
from framework.drafting.trainings import Arranged
from framework.names import format_path

_CLAUSES = {"schedule.warmup.": "schedule.warmup", "batch_size.": "batch_size", "optimizer.betas[": "optimizer.betas"}
"""How facts begin that are parts of a clause, and the clause."""


@dataclass
class Drafted:
    """What bindings go by: the clauses of each phase, the models, and the variants that there are."""

    splits: dict[str, Split]
    models: Named
    variants: Tree


def over_others(name: str, phases: list[str]) -> Tree:
    """The binding of a script whose commands go before several configs: it states nothing by itself."""
    made: Tree = {"file": Leaf(name, "what its commands give goes before the configs that they name")}
    made["dialect"] = Leaf("generic", "names of settings")
    made["required"] = Leaf(False, "what they do not give, the configs state")
    if len(phases) == 1:
        made["describes"] = Leaf(f"phases.{phases[0]}")
    return made


def bindings_of(arranged: Arranged, drafted: Drafted) -> list[Tree]:
    """One binding for each file that states something; of a file of defaults, only what nothing else states, for each
    alternative that takes some of it."""
    places = _places(arranged)
    defaults = {each.name for several in arranged.phases.values() for one in several for each in one.defaults}
    mains = {phase: [one.facts for one in several] for phase, several in arranged.phases.items()}
    found: list[Tree] = []
    for each in arranged.statings:
        if each.name not in places:
            continue
        if each.name in defaults:
            found += _of_defaults(each, places[each.name], drafted, mains)
        else:
            found.append(_of_file(each, places[each.name], drafted))
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


def _of_file(stating: Stating, phases: list[str], drafted: Drafted) -> Tree:
    binding: Tree = {"file": Leaf(stating.name), "dialect": Leaf(stating.found.dialect.name, stating.found.why)}
    whole = bool(stating.sections) or any(stating.tasks) or len(phases) != 1
    names = {drafted.splits[phase].names.get(stating.name, "") for phase in phases}
    name = next(iter(names)) if len(names) == 1 else ""
    if not whole:
        binding |= _about(phases[0], name, drafted.splits[phases[0]])
    elif name and any(told(drafted.splits[phase]) for phase in phases):
        binding["variant"] = Leaf(name)
    if "variant" in binding:
        named = (name, *(f"{name}-{phase}" for phase in phases))
        binding["variant"] = Leaf(next(one for one in named if one in drafted.variants))
    elif LORA in drafted.variants and any(fact.startswith("adapter.lora") for fact in stating.facts):
        binding["variant"] = Leaf(LORA)
    if len(drafted.models.tree) > 1 and stating.name in drafted.models.of:
        binding["model"] = Leaf(drafted.models.of[stating.name])
    keys: Tree = {}
    for section, facts in (("", stating.facts), *stating.sections.items()):
        for phase in [section] if section else phases:
            keys.update(_keys(facts, drafted.splits[phase], phase, name, whole) if phase in drafted.splits else {})
    ignored = [*sorted(stating.presets), *_code(stating), *(_differing(stating, drafted, phases) if not name else ())]
    return _completed(binding, keys, ignored, stating)


def _differing(stating: Stating, drafted: Drafted, phases: list[str]) -> list[str]:
    """The keys whose values are named in a remark: alternatives have others."""
    differing = {clause for phase in phases if phase in drafted.splits for clause in drafted.splits[phase].differing}
    every = {fact: each for facts in (stating.facts, *stating.sections.values()) for fact, each in facts.items()}
    return [format_path(each.path) for fact, each in every.items() if _clause(fact.lstrip("?")) in differing]


def _of_defaults(
    stating: Stating, phases: list[str], drafted: Drafted, mains: dict[str, list[Facts]]
) -> Iterator[Tree]:
    """The bindings of a file whose values count where no other file sets them."""
    bound: list[tuple[Tree, Tree]] = []
    for phase in phases:
        clauses = drafted.splits[phase]
        set_elsewhere = {_clause(fact.lstrip("?")) for each in mains.get(phase, ()) for fact in each}
        for name, own in (("", clauses.shared), *clauses.own.items()):
            mine = {
                clause: each
                for clause, each in own.items()
                if each[0].file == stating.name or (clauses.stated and clause not in set_elsewhere)
            }
            keys = _keys(stating.facts, Split(mine), phase, "", len(phases) != 1, stating)
            if name and clauses.kind == "tasks":
                keys = {key: Leaf(in_task(str(leaf.value))) for key, leaf in keys.items()}
            if keys:
                bound.append(({"file": Leaf(stating.name), **_about(phase, name, clauses)}, keys))
    used = {key for _, keys in bound for key in keys}
    rest = [name for each in stating.every() if (name := format_path(each.path)) not in used]
    for index, (binding, keys) in enumerate(bound):
        ignored = [] if index else [*rest, *_code(stating)]
        yield _completed(binding, keys, ignored, None)


def _about(phase: str, name: str, clauses: Split) -> Tree:
    """What a binding says that a file is about."""
    if name and clauses.kind == "tasks":
        return {"describes": Leaf(f"phases.{phase}.tasks.{name}")}
    variant = {"variant": Leaf(name)} if name and told(clauses) else {}
    return {"describes": Leaf(f"phases.{phase}"), **variant}


def _completed(binding: Tree, keys: Tree, ignored: list[str], stating: Stating | None) -> Tree:
    if keys:
        binding["keys"] = keys
    if ignored:
        binding["ignore"] = Leaf(ignored, "what is no setting, or what other files set otherwise")
    if stating is not None and (left := [key for key in stating.left if key not in ignored]):
        binding["# left"] = Remark(f"not bound: {listed(left, ', ')}")
    return binding


def _code(stating: Stating) -> list[str]:
    """The parts of a program that are no settings."""
    own = stating.found.sections
    if own is None:
        return []
    names = [format_path((key,)) for key in stating.found.data if key not in own]
    unset = [key for key, value in stating.found.data.items() if key.startswith("-") and value is None]
    computed = [key for key in stating.left if key in own and not key.startswith("-")]
    return [*names, *computed, *(format_path((key,)) for key in unset)]


def _keys(facts: Facts, clauses: Split, phase: str, name: str, whole: bool, default: Stating | None = None) -> Tree:
    """The keys that need a line of their own: no dialect binds them, or only some of the file's do bind."""
    found: Tree = {}
    own: Clauses = clauses.own.get(name, {})
    for fact, evidence in facts.items():
        if not evidence.explicit and not fact.startswith("?") and default is None:
            continue
        clause = _clause(fact.lstrip("?"))
        held = own.get(clause) or clauses.shared.get(clause)
        if held is None:
            continue
        if default is None and fact.startswith("?") and all(each.path != evidence.path for each in held):
            continue
        if default is not None and not same(evidence.value, at(default.found.data, *evidence.path)):
            continue  # what its word means only a dialect says
        text = fact.lstrip("?")
        if name and clauses.kind == "tasks":
            text = in_task(text) if clause in own else f"phases.{phase}.{text}"
        prefixed = whole and not text.startswith("phases.")
        found[format_path(evidence.path)] = Leaf(f"phases.{phase}.{text}" if prefixed else text)
    return found


def _clause(fact: str) -> str:
    return next((clause for start, clause in _CLAUSES.items() if fact.startswith(start)), fact)
