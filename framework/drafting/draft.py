"""A first manifest from what was found: values that a file states, each with its place; what is missing says so."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from framework.dialects.terms import words
from framework.drafting.drafted_phases import GLUE, assumed_or_stated, counts_of, fitting, phase_of, tasks_of
from framework.drafting.leaves import TODO, Leaf, Tree, chosen
from framework.drafting.stated import Evidence, Gathered, groups

_FAMILIES = words("mamba llama mistral qwen3 qwen2 gpt2 gpt_neox bert roberta gemma phi opt t5")


def draft(gathered: Gathered, title: str) -> Tree:
    """The manifest as a tree, in the order of its sections."""
    datasets = _datasets(gathered)
    tree: Tree = {"version": Leaf(1), "paper": {"title": Leaf(title, "TODO: the paper's title, authors and sources")}}
    if counts := counts_of(gathered):
        tree["hardware"] = {"count": chosen(counts)}
    tree["models"] = _models(gathered) or Leaf({}, "TODO: no file names a model")
    tree["phases"] = {name: phase_of(gathered, name, datasets) for name in sorted(gathered.phases, key=_order)}
    tree["datasets"] = datasets
    tree["variants"] = _variants(gathered)
    tree["seeds"] = _seeds(gathered)
    tree["configs"] = [_binding(gathered, found.name) for found in gathered.files]
    order = ("version", "paper", "hardware", "models", "datasets", "phases", "variants", "seeds", "configs")
    return {section: tree[section] for section in order if section in tree}


def _order(phase: str) -> tuple[bool, str]:
    return (not phase.startswith("pre"), phase)


def _short(hub: str) -> str:
    return hub.rstrip("/").rpartition("/")[2].lower() or "model"


def _named(hub: str, taken: Tree) -> str:
    """A name for a repository: with its owner's where another one of the same name is there."""
    return hub.lower().replace("/", "-") if _short(hub) in taken else _short(hub)


def _models(gathered: Gathered) -> Tree:
    """One model for each repository that a file names; else one of the sizes that a file states."""
    sizes = {
        fact[6:]: each for fact, each in gathered.project.items() if fact.startswith("model.") and fact != "model.hub"
    }
    models: Tree = {}
    hubs = [
        each
        for each in _words(gathered.project.get("model.hub", []))
        if "/" in each.value and each.value[0] not in "./~"
    ]
    for group in groups(hubs):
        hub = str(group[0].value)
        models[_named(hub, models)] = {**_family(hub, sizes), "hub": Leaf(hub, f"from {group[0].where}")}
    known = {name: chosen(held) for name, each in sizes.items() if (held := fitting(f"model.{name}", each))}
    if len(models) == 1:
        next(iter(models.values())).update(known)
    elif not models and {"layers", "hidden"} <= known.keys():
        models["model"] = {**_family("", sizes), "weights": Leaf("random", "TODO: or `hub:` of a checkpoint"), **known}
    return models


def _family(hub: str, sizes: dict[str, list[Evidence]]) -> Tree:
    if families := [each for each in sizes.get("family", []) if isinstance(each.value, str)]:
        return {"family": chosen(families)}
    guess = next((family for family in _FAMILIES if family.replace("_", "") in hub.lower().replace("-", "")), "unknown")
    return {"family": Leaf(guess, "TODO: taken from the repository's name" if guess != "unknown" else TODO)}


def _words(evidence: list[Evidence]) -> list[Evidence]:
    return [each for each in evidence if isinstance(each.value, str) and each.value]


def _datasets(gathered: Gathered) -> Tree:
    found: Tree = {}
    for group in groups(_words(gathered.project.get("dataset.hub", []))):
        hub = str(group[0].value)
        found[_named(hub, found)] = {"hub": Leaf(hub, f"from {group[0].where}")}
    names = _words(gathered.project.get("dataset.name", []))
    if len(found) == 1 and names:
        next(iter(found.values()))["name"] = chosen(names)
    for tasks in gathered.tasks.values():
        for task in tasks:
            if task in GLUE:
                found[task] = {"hub": Leaf("nyu-mll/glue", "by the task's name"), "name": Leaf(task)}
            else:
                found[task] = {"path": Leaf(f"data/{task}", TODO)}
    if any(phase not in gathered.tasks for phase in gathered.phases) and not any(
        name not in tasks_of(gathered) for name in found
    ):
        found["data"] = {"path": Leaf("data", TODO)}
    return found


def _variants(gathered: Gathered) -> Tree:
    """All phases as they are; and where files configure LoRA, the same with the adapter in the last one."""
    phases = sorted(gathered.phases, key=_order)
    adapters = _adapters(gathered)
    found: Tree = {}
    if not adapters or set(gathered.phases_of) - gathered.adapted:
        found["base"] = {"steps": [Leaf(phase) for phase in phases]}
    if adapters:
        steps: list[Any] = [{p: {"adapter": {"lora": adapters[p]}}} if p in adapters else Leaf(p) for p in phases]
        found["lora"] = {"steps": steps}
    return found


def _adapters(gathered: Gathered) -> dict[str, Tree]:
    """The LoRA of each phase for which a file states its rank."""
    found: dict[str, Tree] = {}
    for phase, facts in gathered.phases.items():
        rank = fitting("adapter.lora.rank", facts.get("adapter.lora.rank"))
        if not rank:
            continue
        alpha = assumed_or_stated(facts, "adapter.lora.alpha")
        lora: Tree = {"rank": chosen(rank), "alpha": chosen(alpha) if alpha else Leaf(chosen(rank).value, TODO)}
        if dropout := fitting("adapter.lora.dropout", facts.get("adapter.lora.dropout")):
            lora["dropout"] = chosen(dropout)
        targets = [each for each in facts.get("adapter.lora.targets", []) if _names(each.value)]
        if targets:
            lora["targets"] = chosen(targets)
        found[phase] = lora
    return found


def _names(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _integers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def _seeds(gathered: Gathered) -> Leaf:
    lists = [each for each in gathered.project.get("seeds", []) if _integers(each.value)]
    if lists:
        return chosen(lists)
    found = [each for each in gathered.project.get("seed", []) if type(each.value) is int]
    found = found or [each for facts in gathered.phases.values() for each in facts.get("=seed", [])]
    if not found:
        return Leaf([0], TODO)
    values = list(dict.fromkeys(each.value for each in found))
    return Leaf(values, "from " + ", ".join(next(e.where for e in found if e.value == value) for value in values))


def _binding(gathered: Gathered, name: str) -> Tree:
    found = next(each for each in gathered.files if each.name == name)
    why = found.recognition.why.replace("\n", " ")
    binding: Tree = {"file": Leaf(name), "dialect": Leaf(found.dialect.name, why)}
    phases = gathered.phases_of.get(name, set())
    if len(phases) == 1 and name not in gathered.nested:
        binding["describes"] = Leaf(f"phases.{next(iter(phases))}")
    if name in gathered.adapted and "lora" in _variants(gathered):
        binding["variant"] = Leaf("lora")
    return binding


def title_of(folder: str) -> str:
    """A title for want of the paper's own."""
    return PurePosixPath(folder).name or "An experiment"
