"""A first manifest from what was found: values that a file states, each with its place; nothing else."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from framework.drafting.drafted_bindings import bindings_of
from framework.drafting.drafted_models import Named, datasets_of, models_of
from framework.drafting.drafted_phases import adapter_of, agreed, clauses_of_phase, counts_of, drafted_phase
from framework.drafting.leaves import Leaf, Tree, first_stated
from framework.drafting.stated import Evidence
from framework.drafting.statement.named_statement import held_to
from framework.drafting.trainings import Arranged

LORA = "lora"
"""The variant whose steps have the adapter that files configure."""


def draft(arranged: Arranged, title: str, statement: list[Evidence] | None = None) -> Tree:
    """The manifest as a tree, in the order of its sections; a statement goes before what files say."""
    tree: Tree = {"version": Leaf(1), "paper": {"title": Leaf(title, "TODO: the paper's title, authors and sources")}}
    counts = counts_of(arranged)
    if counts:
        tree["hardware"] = {"count": first_stated(counts)}
    count = int(counts[0].value) if counts and agreed(counts) else 1
    phases = sorted(arranged.phases, key=_order)
    clauses = {phase: clauses_of_phase(arranged, phase, count) for phase in phases}
    for each in held_to(statement or [], clauses):
        arranged.notes.append(f"{each.where} says {each.path[-1]} = {each.value}: no place for it, state it by hand")
    models, datasets = models_of(arranged), datasets_of(arranged)
    for section, named in (("models", models), ("datasets", datasets)):
        if named.tree:
            tree[section] = named.tree
    tree["phases"] = {
        phase: drafted_phase(arranged, phase, clauses[phase], _dataset(arranged, phase, datasets)) for phase in phases
    }
    adapters = {phase: lora for phase in phases if (lora := adapter_of(clauses[phase]))}
    if adapters:
        tree["variants"] = _variants(arranged, phases, adapters)
    if seeds := _seeds(arranged):
        tree["seeds"] = seeds
    tree["configs"] = bindings_of(arranged, clauses, models, LORA if adapters else None)
    return tree


def _order(phase: str) -> tuple[bool, str]:
    return (not phase.startswith("pre"), phase)


def _dataset(arranged: Arranged, phase: str, datasets: Named) -> str | None:
    """The dataset that the first training of a phase names."""
    for training in arranged.phases[phase]:
        for each in (training.main, *training.companions):
            if each.name in datasets.of:
                return datasets.of[each.name]
    return None


def _variants(arranged: Arranged, phases: list[str], adapters: dict[str, Tree]) -> Tree:
    """The phases with their adapters; and as they are, where a training has none."""
    found: Tree = {}
    if not all(_adapted(arranged, phase) for phase in adapters):
        found["base"] = {"steps": [Leaf(phase) for phase in phases]}
    steps: list[Any] = [{p: {"adapter": {"lora": adapters[p]}}} if p in adapters else Leaf(p) for p in phases]
    found[LORA] = {"steps": steps}
    return found


def _adapted(arranged: Arranged, phase: str) -> bool:
    """Whether each training of a phase is one of an adapter."""
    beside = arranged.companions.get(phase, [])
    return all(
        any(
            "adapter.lora.rank" in each
            for each in (training.facts, *(one.facts for one in (*training.companions, *beside)))
        )
        for training in arranged.phases[phase]
    )


def _seeds(arranged: Arranged) -> Leaf | None:
    lists = [each.project["seeds"] for each in arranged.statings if "seeds" in each.project]
    lists = [each for each in lists if _integers(each.value)]
    if lists:
        return first_stated(lists)
    found = [each.project["seed"] for each in arranged.statings if "seed" in each.project]
    found = [each for each in found if type(each.value) is int]
    if not found:
        return None
    values = list(dict.fromkeys(each.value for each in found))
    return Leaf(values, "from " + ", ".join(next(e.where for e in found if e.value == value) for value in values))


def _integers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def title_of(folder: str) -> str:
    """A title for want of the paper's own."""
    return PurePosixPath(folder).name or "An experiment"
