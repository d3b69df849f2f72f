"""What a family's architecture does not allow, in a sentence that names the family and the method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.manifest.sections.methods import Permute, Prune
from framework.names import did_you_mean
from framework.planning.steps import Training
from runners.models.families import Family


def refusals(family: Family, work: Training | Prune | Permute) -> Iterator[tuple[str, str]]:
    """Why a step cannot be carried out on any model of the family: what was asked for, and what stands against it.

    A name that no module of a model has is not among them: only the model itself knows its modules.
    """
    if isinstance(work, Permute):
        yield from _permute(family, work)
    elif isinstance(work, Prune):
        if work.structure == "channel" and work.tensors:
            yield from _channels(family, "prune", [name for name in work.tensors if "." not in name])
    else:
        if work.recipe.objective != "classification" and family.encoder:
            yield f"objective {work.recipe.objective}", f"a {family.name} has none: {family.refuses['causal_lm']}"
        if work.mask is not None:
            name, specification = work.mask.chosen
            yield from _channels(family, name, getattr(specification, "tensors", ()))
        if work.adapter is not None:
            name, specification = work.adapter.chosen
            yield from _adapted(family, name, getattr(specification, "targets", ()))


def _permute(family: Family, work: Permute) -> Iterator[tuple[str, str]]:
    if work.dimension not in family.dimensions:
        why = family.refuses.get("permute") or did_you_mean(work.dimension, family.dimensions)
        yield f"permute the {work.dimension} dimension", f"a {family.name} has no such dimension; {why}"


def _channels(family: Family, method: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name not in family.channels.slices:
            why = did_you_mean(name, family.channels.slices)
            yield f"{method} over {name}", f"no inner channel of a {family.name} lies in {name}; {why}"


def _adapted(family: Family, method: str, targets: Sequence[str]) -> Iterator[tuple[str, str]]:
    for target in targets:
        if (last := target.rpartition(".")[2]) in family.unadaptable:
            yield f"{method} on {target}", f"peft has no adapter for the {last} of a {family.name}"
        if not family.channels.suffix and target in family.channels.slices:
            yield f"{method} on {target}", f"a {family.name} has none there: {family.refuses['adapter']}"
