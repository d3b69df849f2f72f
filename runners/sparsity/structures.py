"""What is removed as one: single weights, or inner channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from framework.errors import FrameworkError
from runners.registry import Registry
from runners.sparsity.channels import Layer
from runners.sparsity.exact import keep_masks
from runners.sparsity.masks import Masks


@dataclass(frozen=True, slots=True)
class Amount:
    """How many weights to remove: a share, or exactly the zeros of a reference, by tensor name."""

    share: float | None = None
    zeros: Mapping[str, int] | None = None

    def over(self, names: Sequence[str]) -> int | None:
        """The exact number over these tensors, None for a share."""
        return None if self.zeros is None else sum(self.zeros[name] for name in names)


Structure = Callable[[Mapping[str, Tensor], Sequence[Layer], Amount, bool], Masks]
"""From scores by tensor name, the layers' channels, an amount, and whether each layer gets its own part of it (else all
compete), to masks."""

STRUCTURES: Registry[Structure] = Registry(
    "structure",
    "framework.structures",
    {"channel": "runners.sparsity.structures:channel", "unstructured": "runners.sparsity.structures:unstructured"},
)


def registered_name(structure: str) -> str:
    """The registry's name of a declared structure: all of `2:4`, `4:8`, ... are `N:M`."""
    return "N:M" if ":" in structure else structure


def unstructured(scores: Mapping[str, Tensor], layers: Sequence[Layer], amount: Amount, by_layer: bool) -> Masks:
    """Single weights. A share is rounded to the nearest whole number; by layer means within each tensor."""
    groups = [[name] for name in scores] if by_layer else [list(scores)]
    masks: Masks = {}
    for names in groups:
        zeros = amount.over(names)
        if zeros is None:
            assert amount.share is not None
            zeros = round(amount.share * sum(scores[name].numel() for name in names))
        masks |= keep_masks({name: scores[name] for name in names}, zeros)
    return masks


def channel(scores: Mapping[str, Tensor], layers: Sequence[Layer], amount: Amount, by_layer: bool) -> Masks:
    """Whole inner channels, with all their coupled weights.

    A channel's score is the L2 norm of its weights' scores over all coupled tensors (the group norm of Fang et al.
    2023, "DepGraph: Towards Any Structural Pruning"). A share counts channels and is rounded to the nearest whole
    number of them. Among equal scores the first channels are kept.

    Raises:
        FrameworkError: no number of channels holds exactly the weights asked for, or a layer would lose all of them.
    """
    groups = [[layer] for layer in layers] if by_layer else [list(layers)]
    masks: Masks = {}
    for group in groups:
        kept = _kept_channels(scores, group, amount)
        for layer, keep in zip(group, kept, strict=True):
            if not bool(keep.any()):
                raise FrameworkError(f"all {layer.channels} channels of {layer.prefix} would be removed")
            masks |= layer.spread(keep, scores)
    return masks


def _kept_channels(scores: Mapping[str, Tensor], group: Sequence[Layer], amount: Amount) -> list[Tensor]:
    squares = {name: scores[name].float() ** 2 for layer in group for name in layer.slices}
    flat = torch.cat([layer.scores(squares).sqrt() for layer in group])
    sizes = torch.cat([torch.full((layer.channels,), layer.channel_size(scores)) for layer in group])
    lowest_first = len(flat) - 1 - flat.flip(0).argsort(stable=True)
    weights_gone = torch.cat([torch.zeros(1, dtype=torch.int64), sizes[lowest_first].cumsum(0)])
    zeros = amount.over([name for layer in group for name in layer.slices])
    if zeros is None:
        assert amount.share is not None
        removed = round(amount.share * len(flat))
    else:
        removed = int(torch.searchsorted(weights_gone, zeros))
        if removed == len(weights_gone) or int(weights_gone[removed]) != zeros:
            near = weights_gone[max(removed - 1, 0) : removed + 1].tolist()
            raise FrameworkError(
                f"whole channels cannot hold exactly {zeros} zeroed weights (one has {sizes.unique().tolist()}); "
                f"the nearest numbers are {' and '.join(map(str, near))}"
            )
    keep = torch.ones(len(flat), dtype=torch.bool)
    keep[lowest_first[:removed]] = False
    return list(keep.split([layer.channels for layer in group]))
