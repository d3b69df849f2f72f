"""Pruning layer by layer: each layer is measured with those before it already pruned, as Wanda and SparseGPT do it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from runners.data.examples import Batch
from runners.sparsity.masks import Masks, apply_masks
from runners.sparsity.scores import Measured
from runners.training.objectives import logits_of

_LAYER = re.compile(r"(.*?\.\d+)\.")


def prune_layers(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    batches: Sequence[Batch],
    seed: int,
    choose: Callable[[Measured], Masks],
) -> Masks:
    """Choose and apply the masks of each layer, in the order in which a forward pass reaches them.

    Every layer costs passes over all batches, from the embedding on: for exactness in any architecture, not for speed
    (the published code keeps the states between layers instead, which needs to know how a layer is called).
    """
    found: Masks = {}
    for names in _in_order(model, list(weights), batches[0]):
        own = {name: weights[name] for name in names}
        masks = choose(Measured(own, seed, model, batches))
        apply_masks(own, masks)
        found |= masks
    return found


def _in_order(model: nn.Module, names: Sequence[str], batch: Batch) -> list[list[str]]:
    """The weights by layer: all whose names begin alike up to the first number; in the order of their first use."""
    modules = {name: model.get_submodule(name.rpartition(".")[0]) for name in names}
    reached: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: reached.append(name)) for name, module in modules.items()
    ]
    try:
        with torch.no_grad():
            logits_of(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    ordered = list(dict.fromkeys([*reached, *names]))
    layers: dict[str, list[str]] = {}
    for name in ordered:
        match = _LAYER.match(name)
        layers.setdefault(match[1] if match else name, []).append(name)
    return list(layers.values())
