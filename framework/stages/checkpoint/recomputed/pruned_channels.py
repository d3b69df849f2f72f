"""Which inner channels a pruning had to remove, recomputed from the checkpoint before it, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.evidence.masks import MaskFile
from framework.evidence.score_keys import random_keys
from framework.evidence.tensors import Tensors
from framework.manifest.sections.methods import Prune
from framework.stages.checkpoint.recomputed.channel_layouts import LAYOUTS, Layout
from framework.stages.checkpoint.recomputed.hybrid_groups import values
from framework.stages.run.observed import NotRecorded

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_EXPERTS = {
    "mixtral": Layout(r"model\.layers\.\d+\.mlp\.experts", "down_proj", {"gate_up_proj": (1, 2), "down_proj": (2, 1)})
}
"""Families whose tensors stack experts along their first dimension, each with channels of its own."""
_ROUNDING = 1e-12
"""Norms are sums in float64, which differ by the order of the additions."""


def misplaced_channels(
    parent: Tensors, masks: MaskFile, names: list[str], work: Prune, seed: int, family: str
) -> str | None:
    """How the choice of channels differs from the declared one; None where whole channels went, those with the lowest
    L2 norm of scores over all their pruned weights. Which of equal channels went is not held.

    Raises:
        NotRecorded: nothing here says where the family's channels lie, a tensor of the parent is missing, or a norm is
            not finite.
    """
    import numpy

    layout = _EXPERTS.get(family) or LAYOUTS.get((family, "channel"))
    if layout is None:
        raise NotRecorded(f"nothing here says where the channels of a {family} lie")
    modules: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        found = layout.module_of(name)
        if found is None or name not in parent.tensors or parent.tensors[name].shape != masks.tensors[name].shape:
            raise NotRecorded(f"the checkpoint before has no channels in a tensor {name} of this shape")
        modules.setdefault(found[0], []).append((name, found[1]))
    norms, kept = {}, {}
    for module, own in modules.items():
        stays = [_by_channel(layout, inner, masks.mask(name)) for name, inner in own]
        if any((part.any(axis=1) != part.all(axis=1)).any() for part in stays):
            return f"a part of a channel of {module} went, and a part stayed"
        kept[module] = stays[0].all(axis=1)
        if any((part.all(axis=1) != kept[module]).any() for part in stays):
            return f"a channel of {module} went in one of its tensors and stayed in another"
        with numpy.errstate(all="ignore"):  # of what is no number the next line says so
            squares = [_by_channel(layout, inner, _scores(parent, name, work, seed) ** 2) for name, inner in own]
            norms[module] = numpy.sqrt(sum(part.sum(axis=1) for part in squares))
        if not numpy.isfinite(norms[module]).all():
            raise NotRecorded(f"a channel of {module} has a norm that is no finite number")
    groups = [[module] for module in modules] if work.scope == "layer" else [list(modules)]
    for group in groups:
        norm, stayed = (numpy.concatenate([each[module] for module in group]) for each in (norms, kept))
        lowest = norm[stayed].min() if stayed.any() else numpy.inf
        above = int((norm[~stayed] > lowest * (1 + _ROUNDING)).sum())
        if above:
            return f"{above:,} channels went whose norm is above that of one that stayed"
    return None


def _scores(parent: Tensors, name: str, work: Prune, seed: int) -> Array:
    weights = values(parent, name).astype("<f8")
    if work.score == "random":
        drawn: Array = random_keys(seed, name, 0, weights.size).reshape(weights.shape) * (weights != 0).astype("<f8")
        return drawn
    return weights


def _by_channel(layout: Layout, inner: str, array: Array) -> Array:
    """A tensor's values as [channels, values of each]; those of an expert follow those of the one before it."""
    import numpy

    dimension, blocks = layout.axes[inner]
    if layout not in _EXPERTS.values():
        array, dimension = array[None], dimension + 1
    experts, channels = array.shape[0], array.shape[dimension] // blocks
    moved = numpy.moveaxis(array, dimension, 1).reshape(experts, blocks, channels, -1)
    return numpy.moveaxis(moved, 2, 1).reshape(experts * channels, -1)
