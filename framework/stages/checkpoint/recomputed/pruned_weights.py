"""What a pruning had to zero, recomputed from the checkpoint that it started from, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from framework.evidence.architectures.roles import Architecture
from framework.evidence.masks import MaskFile
from framework.evidence.orientation import in_rows, input_first, rows_of
from framework.evidence.record import MODEL, read_json
from framework.evidence.score_keys import RANDOM, FloatKind, common_kind, magnitude_keys, random_keys
from framework.evidence.tensors import Tensors
from framework.manifest.sections.methods import Prune
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

RECOMPUTED = ("magnitude", "random")
"""The scores that follow from the weights and the seed."""


def demanded_zeros(observed: Observed, work: Prune, masks: MaskFile, names: Iterable[str], share: float) -> int:
    """How many weights of these tensors a share means: rounded to whole weights within each group that competes, or
    to whole units.

    Raises:
        NotRecorded: the run did not say how it rounded to whole channels.
    """
    shapes = {name: masks.tensors[name].shape for name in names}
    elements = {name: math.prod(shape) for name, shape in shapes.items()}
    total = sum(elements.values())
    if ":" in work.structure:
        kept, size = map(int, work.structure.split(":"))
        return total * (size - kept) // size
    if work.structure == "unstructured" and work.scope == "output":
        rows = matrices(observed.step.model.family, shapes)
        return sum(outputs * round(share * inputs) for outputs, inputs in rows.values())
    if work.structure == "unstructured":
        groups = list(elements.values()) if work.scope == "layer" else [total]
        return sum(round(share * size) for size in groups)
    if work.structure == "head":
        layers, heads = _heads(observed)
        removed = layers * round(share * heads) if work.scope == "layer" else round(share * layers * heads)
        return total * removed // (layers * heads)
    if work.structure == "output":
        return _outputs(observed, work, masks, shapes, share)
    # Whole channels: the run's own number, where no more than one of them is rounded away.
    asked = int(observed.recorded("sparsity", "asked_zeros"))
    coarsest = max((1 / max(shape, default=1) for shape in shapes.values()), default=1.0)
    return asked if abs(asked - share * total) <= coarsest * total else round(share * total)


def _heads(observed: Observed) -> tuple[int, int]:
    """The layers of the saved model, and the heads of each that can be removed alone."""
    assert observed.run is not None
    path = observed.run.folder / MODEL / "config.json"
    config = read_json(path) if path.is_file() else {}
    counts = []
    for names in (("num_hidden_layers", "n_layer"), ("num_key_value_heads", "num_attention_heads", "n_head")):
        found = next((config[name] for name in names if type(config.get(name)) is int), None)
        if found is None:
            raise NotRecorded(f"{MODEL}/config.json does not say how many {names[-1]} there are")
        counts.append(found)
    return counts[0], counts[1]


def _outputs(
    observed: Observed, work: Prune, masks: MaskFile, shapes: Mapping[str, tuple[int, ...]], share: float
) -> int:
    """The weights of as many outputs as the share means. Over a whole model their sizes differ, so that the masks have
    to say which ones went; a wrong number of them gives what the share of weights would be."""
    weights = {name: shape for name, shape in shapes.items() if not name.endswith(".bias")}
    rows = matrices(observed.step.model.family, weights)
    sizes = {name: inputs + (f"{name.removesuffix('.weight')}.bias" in shapes) for name, (_, inputs) in rows.items()}
    if work.scope == "layer":
        return sum(round(share * outputs) * sizes[name] for name, (outputs, _) in rows.items())
    turned = input_first(Architecture(observed.step.model.family), weights)
    gone = {name: int((~in_rows(name, masks.mask(name), name in turned).any(axis=1)).sum()) for name in weights}
    if sum(gone.values()) == round(share * sum(outputs for outputs, _ in rows.values())):
        return sum(count * sizes[name] for name, count in gone.items())
    return round(share * sum(math.prod(shape) for shape in shapes.values()))


def matrices(family: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """Each weight as (outputs, inputs)."""
    turned = input_first(Architecture(family), shapes)
    return {name: rows_of(name, shape, name in turned) for name, shape in shapes.items()}


def misplaced(parent: Tensors, masks: MaskFile, names: list[str], work: Prune, seed: int, family: str) -> str | None:
    """How the choice of weights differs from the declared one; None where the lowest scores went, and of equal ones the
    last positions.

    Args:
        parent: The checkpoint before the pruning.
        names: The tensors that were pruned, sorted.

    Raises:
        NotRecorded: a tensor of the parent is missing or of another shape.
    """
    for name in names:
        if name not in parent.tensors or parent.tensors[name].shape != masks.tensors[name].shape:
            raise NotRecorded(f"the checkpoint before has no tensor {name} of this shape")
    kind = common_kind(parent.tensors[name].dtype for name in names)
    if ":" in work.structure or work.scope == "output":
        return _in_groups(parent, masks, names, work, seed, family, kind)
    groups = [[name] for name in names] if work.scope == "layer" else [names]
    return next((found for group in groups if (found := _in_group(parent, masks, group, work, seed, kind))), None)


def _keys(parent: Tensors, name: str, work: Prune, seed: int, kind: FloatKind) -> Array:
    bits = parent.bits(name)
    keys = magnitude_keys(bits, parent.tensors[name].dtype, kind)
    if work.score == "random":
        keys = random_keys(seed, name, 0, bits.size).reshape(bits.shape) * (keys != 0)
    return keys


def _in_group(
    parent: Tensors, masks: MaskFile, names: list[str], work: Prune, seed: int, kind: FloatKind
) -> str | None:
    """One threshold over all of these tensors."""
    import numpy

    lowest_kept, highest_gone = RANDOM.infinity if work.score == "random" else kind.infinity, -1
    for name in names:
        keys, kept = _keys(parent, name, work, seed, kind), masks.mask(name)
        lowest_kept = int(numpy.min(keys, where=kept, initial=lowest_kept))
        if not kept.all():
            highest_gone = max(highest_gone, int(keys[~kept].max()))
    if highest_gone > lowest_kept:
        return _apart(parent, masks, names, work, seed, kind, lowest_kept)
    gone_before = None
    for name in names if highest_gone == lowest_kept else ():
        tied = _keys(parent, name, work, seed, kind).ravel() == highest_gone
        kept = masks.mask(name).ravel()[tied]
        if gone_before is not None and kept.any():
            return f"of equal scores one of {gone_before} went, and one of {name}, which comes later, stayed"
        if not kept.all():
            if kept[int(numpy.argmin(kept)) :].any():
                return f"of equal scores in {name} an earlier one went and a later one stayed"
            gone_before = name
    return None


def _apart(
    parent: Tensors, masks: MaskFile, names: list[str], work: Prune, seed: int, kind: FloatKind, lowest_kept: int
) -> str:
    """What went although something lower stayed."""
    counts = {}
    for name in names:
        wrong = (_keys(parent, name, work, seed, kind) > lowest_kept) & ~masks.mask(name)
        counts[name] = int(wrong.sum())
    worst = max(counts, key=lambda name: counts[name])
    return (
        f"{sum(counts.values()):,} weights went whose {work.score} is above that of one that stayed; "
        f"{counts[worst]:,} of them in {worst}"
    )


def _in_groups(
    parent: Tensors, masks: MaskFile, names: list[str], work: Prune, seed: int, family: str, kind: FloatKind
) -> str | None:
    """A threshold for each output, or for each M neighbouring inputs."""
    import numpy

    shapes = {name: masks.tensors[name].shape for name in names}
    turned = input_first(Architecture(family), shapes)
    for name, (outputs, inputs) in matrices(family, shapes).items():
        if ":" in work.structure:
            stay, size = map(int, work.structure.split(":"))
        else:
            assert isinstance(work.sparsity, float)
            stay, size = inputs - round(work.sparsity * inputs), inputs
        keys = in_rows(name, _keys(parent, name, work, seed, kind), name in turned).reshape(
            outputs * inputs // size, size
        )
        kept = in_rows(name, masks.mask(name), name in turned).reshape(keys.shape)
        uneven = int((kept.sum(axis=1) != stay).sum())
        if uneven:
            return f"{uneven:,} groups of {size} inputs of {name} do not keep exactly {stay}"
        if stay in (0, size):
            continue
        gone = numpy.where(kept, 0, keys).max(axis=1, keepdims=True)
        stayed = numpy.where(kept, keys, keys.dtype.type(numpy.iinfo(keys.dtype).max)).min(axis=1, keepdims=True)
        place = numpy.arange(size)
        last = numpy.where(kept & (keys == gone), place, -1).max(axis=1)
        first = numpy.where(~kept & (keys == gone), place, size).min(axis=1)
        wrong = int(((gone > stayed)[:, 0] | (last > first)).sum())
        if wrong:
            return f"in {wrong:,} groups of {size} inputs of {name} another weight went than one with the lowest score"
    return None
