"""Whole inner channels, attention heads or outputs, each with all its coupled weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import torch
from torch import Tensor

from framework.errors import FrameworkError
from runners.sparsity.channels import Layer
from runners.sparsity.exactly.packing import Sink
from runners.sparsity.structures import Amount, Scored, Wanted


def units(scored: Scored, wanted: Wanted, sink: Sink) -> None:
    """Write the masks.

    A unit's score is the L2 norm of its weights' scores over all coupled tensors (the group norm of Fang et al. 2023,
    "DepGraph: Towards Any Structural Pruning"). A share counts units and is rounded to the nearest whole number of
    them: it is not a share of weights where units differ in size. Among equal scores the first units are kept.

    Raises:
        FrameworkError: no number of units holds exactly the weights asked for, or a layer would lose all of them.
    """
    norms = [_norms(scored, layer) for layer in wanted.layers]
    parts = [[index] for index in range(len(norms))] if wanted.scope == "layer" else [list(range(len(norms)))]
    for level, amount in enumerate(wanted.amounts):
        for part in parts:
            layers = [wanted.layers[index] for index in part]
            kept = _kept(scored, layers, [norms[index] for index in part], amount)
            for layer, keep in zip(layers, kept, strict=True):
                if not bool(keep.any()):
                    raise FrameworkError(f"all {layer.channels} channels of {layer.prefix} would be removed")
                _write(scored, layer, keep, level, sink)


def _norms(scored: Scored, layer: Layer) -> Tensor:
    squares = {name: scored.values(name).double() ** 2 for name in layer.slices}
    if found := next((name for name, values in squares.items() if bool(values.isnan().any())), None):
        raise ValueError(f"a score of {found} is not a number")
    return layer.scores(squares).sqrt()


def _kept(scored: Scored, layers: Sequence[Layer], norms: Sequence[Tensor], amount: Amount) -> list[Tensor]:
    flat = torch.cat(list(norms))
    sizes = torch.cat([torch.full((layer.channels,), layer.channel_size(_empty(scored, layer))) for layer in layers])
    lowest_first = len(flat) - 1 - flat.flip(0).argsort(stable=True)
    weights_gone = torch.cat([torch.zeros(1, dtype=torch.int64), sizes[lowest_first].cumsum(0)])
    zeros = amount.over([name for layer in layers for name in layer.slices])
    if zeros is None:
        removed = amount.of(len(flat))
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
    return list(keep.split([layer.channels for layer in layers]))


def _empty(scored: Scored, layer: Layer) -> dict[str, Tensor]:
    """Tensors of the weights' shapes that take no memory."""
    return {name: torch.empty(scored.shapes[name], device="meta") for name in layer.slices}


def _write(scored: Scored, layer: Layer, keep: Tensor, level: int, sink: Sink) -> None:
    shapes = _empty(scored, layer)
    for name, where in layer.slices.items():
        mask = where.spread(keep, shapes[name]).expand(scored.shapes[name])
        sink.write(level, name, 0, numpy.packbits(mask.numpy(), bitorder="little"))
