"""What a pruning works on: which tensors of a model, and which units they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from framework.errors import UsageError
from framework.evidence.architectures.roles import Architecture
from runners.models.families import Family
from runners.sparsity.channels import Layer, Layout, channel_layers
from runners.sparsity.outputs import output_layers
from runners.sparsity.selection import names_meant


def chosen_names(
    model: nn.Module, modules: Sequence[str] | None, exclude: Sequence[str], structure: str, family: Family
) -> list[str]:
    """The tensors to prune, sorted by name; of tied ones the name that parameters go by.

    Without ``modules``, channels and heads have all their coupled tensors, other structures every weight. A tensor that
    is excluded under one of its names is excluded.

    Raises:
        UsageError: a module's name that no tensor has.
    """
    named = list(model.named_parameters(remove_duplicate=False))
    shapes = {name: tuple(value.shape) for name, value in named}
    if structure in ("channel", "head"):
        modules = _in_full(unit_layout(family, structure), model.config, modules)
    architecture = Architecture(family.name)
    meant = set(names_meant(shapes, modules, (), architecture))
    excluded = meant - set(names_meant(shapes, None, exclude, architecture)) if exclude else set()
    aliases: dict[int, list[str]] = {}
    for name, value in named:
        aliases.setdefault(id(value), []).append(name)
    return sorted(names[0] for names in aliases.values() if meant & set(names) and not excluded & set(names))


def _in_full(layout: Layout, config: Any, modules: Sequence[str] | None) -> list[str]:
    """Modules by the names that units are stated by, in full: another module may end in the same name."""
    prefixes = [layout.prefix.format(layer=index) for index in range(layout.layers(config))]
    names: list[str] = []
    own = [name for name in layout.slices if layout.has(config, name)]
    for name in own if modules is None else modules:
        names += [f"{prefix}.{name}" for prefix in prefixes] if name in layout.slices else [name]
    return names


def unit_layout(family: Family, structure: str) -> Layout:
    """Where a family's inner channels or heads lie.

    Raises:
        UsageError: it has none.
    """
    layout = family.heads if structure == "head" else family.channels
    if layout is None:
        raise UsageError(f"a {family.name} has no attention heads; `structure: channel` removes inner channels")
    return layout


def unit_layers(
    family: Family,
    config: Any,
    structure: str,
    shapes: Mapping[str, tuple[int, ...]],
    input_first: Iterable[str],
) -> list[Layer]:
    """The units of a structure over exactly the given tensors; none for single weights.

    Raises:
        UsageError: a tensor in which no such unit lies.
    """
    if structure == "output":
        return output_layers(shapes, frozenset(input_first))
    if structure not in ("channel", "head"):
        return []
    layout = unit_layout(family, structure)
    layers = []
    for layer in channel_layers(layout, config, list(layout.slices)):
        slices = {name: at for name, at in layer.slices.items() if name in shapes}
        if slices:
            layers.append(Layer(layer.prefix, layer.channels, slices))
    covered = {name for layer in layers for name in layer.slices}
    if outside := sorted(set(shapes) - covered):
        what = "attention head" if structure == "head" else "inner channel"
        raise UsageError(f"no {what} lies in {outside[0]}: they lie in {', '.join(layout.slices)}")
    return layers
