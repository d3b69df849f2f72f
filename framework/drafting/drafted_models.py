"""The models and datasets of the draft: one for each repository or set of sizes that a file names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from framework.dialects.terms import words
from framework.drafting.fitting_values import fits
from framework.drafting.leaves import Leaf, Tree, first_stated
from framework.drafting.stated import Evidence, Stating
from framework.drafting.trainings import Arranged

_FAMILIES = words("mamba llama mistral qwen3 qwen2 gpt2 gpt_neox bert roberta gemma phi opt t5")


@dataclass
class Named:
    """Entries of a section by name, and which of them a file is about."""

    tree: Tree = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)
    """File -> name."""


def models_of(arranged: Arranged) -> Named:
    """A model for each repository that a file names, and for each set of sizes that one states."""
    made = Named()
    hubs: dict[str, str] = {}
    unnamed: list[tuple[Stating, dict[str, list[Evidence]]]] = []
    for each in arranged.statings:
        hub = each.project.get("model.hub")
        known = _sizes(each)
        if hub is not None and _is_hub(hub.value):
            if hub.value not in hubs:
                hubs[hub.value] = _name(hub.value, made.tree)
                made.tree[hubs[hub.value]] = {**_family(hub.value, known), "hub": Leaf(hub.value, f"from {hub.where}")}
            made.of[each.name] = hubs[hub.value]
            _add(made.tree[hubs[hub.value]], known)
        elif known:
            unnamed.append((each, known))
    for each, known in unnamed:
        name = _alike(made, known)
        if name is None:
            stem = "model" if len(unnamed) == 1 else PurePosixPath(each.name).stem
            name = _name(stem, made.tree, each.name)
            made.tree[name] = {"family": first_stated(known.pop("family"))} if "family" in known else {}
        _add(made.tree[name], known)
        made.of[each.name] = name
    return made


def _alike(made: Named, known: dict[str, list[Evidence]]) -> str | None:
    """The model that a file's sizes are of: one of which it says nothing else."""
    if not made.tree:
        return None
    for name, tree in made.tree.items():
        if all(size not in tree or tree[size].value == found[0].value for size, found in known.items()):
            return name
    return None


def _sizes(stating: Stating) -> dict[str, list[Evidence]]:
    found = {}
    for fact, evidence in stating.project.items():
        name = fact.removeprefix("model.")
        if name == fact or name == "hub":
            continue
        if fits(fact, evidence.value) or (name == "family" and isinstance(evidence.value, str) and evidence.value):
            found[name] = [evidence]
    return found


def _add(tree: Tree, known: dict[str, list[Evidence]]) -> None:
    for name, evidence in known.items():
        tree.setdefault(name, first_stated(evidence))


def _family(hub: str, known: dict[str, list[Evidence]]) -> Tree:
    if "family" in known:
        return {"family": first_stated(known["family"])}
    guess = next((family for family in _FAMILIES if family.replace("_", "") in hub.lower().replace("-", "")), None)
    return {"family": Leaf(guess, "by the repository's name")} if guess else {}


def _is_hub(value: object) -> bool:
    return isinstance(value, str) and "/" in value and value[0] not in "./~"


def _name(hub: str, taken: Tree, whole: str = "") -> str:
    """A name for an entry: with its owner's or its folder's where another one of the same name is there."""
    short = hub.rstrip("/").rpartition("/")[2].lower() or "model"
    if short not in taken:
        return short
    return (whole.rpartition(".")[0] or hub).lower().replace("/", "-")


def datasets_of(arranged: Arranged) -> Named:
    """A dataset for each repository that a file names."""
    made = Named()
    hubs: dict[str, str] = {}
    for each in arranged.statings:
        hub = each.project.get("dataset.hub")
        if hub is None or not isinstance(hub.value, str) or not hub.value:
            continue
        if hub.value not in hubs:
            hubs[hub.value] = _name(hub.value, made.tree)
            made.tree[hubs[hub.value]] = {"hub": Leaf(hub.value, f"from {hub.where}")}
        made.of[each.name] = hubs[hub.value]
        name = each.project.get("dataset.name")
        if name is not None and isinstance(name.value, str) and name.value:
            made.tree[hubs[hub.value]].setdefault("name", first_stated([name]))
    return made
