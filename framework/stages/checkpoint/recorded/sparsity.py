"""Zeros and masks as they are recorded, in the mask file, and in the saved tensors: one number each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from framework.manifest.sections.methods import Permute, Prune
from framework.planning.steps import Training
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts, alike, real, whole
from framework.stages.checkpoint.zeros import MASKS, masks_of, zeros_of
from framework.stages.run.observed import NotRecorded, Observed


def inherited(observed: Observed, parent: Observed) -> Iterator[Contradiction]:
    """The masks of a step that makes none are those of the step before; one that prunes or learns keeps no more."""
    assert observed.run is not None
    assert parent.run is not None
    if isinstance(observed.step.work, Permute):
        return  # reordered with the tensors, and held with them
    try:
        before, after = masks_of(parent), masks_of(observed)
    except NotRecorded:
        return
    work = observed.step.work
    makes = isinstance(work, Prune) or (isinstance(work, Training) and work.mask is not None)
    for name, tensor in before.tensors.items():
        if name not in after.tensors or after.tensors[name].shape != tensor.shape:
            yield Contradiction(MASKS, f"the mask of {name}, which the step before left, is not in {MASKS}")
        elif makes and (after.mask(name) & ~before.mask(name)).any():
            yield Contradiction(MASKS, f"the mask of {name} keeps weights that the step before had removed")
        elif not makes and not (after.packed(name) == before.packed(name)).all():
            yield Contradiction(MASKS, f"the mask of {name} is another one than the step before left")
    if not makes and (more := sorted(after.tensors.keys() - before.tensors.keys())):
        yield Contradiction(MASKS, f"{more[0]} has a mask, and none in the step before")


def contradictions(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """Of a step that left masks; a step that left none records none."""
    assert observed.run is not None
    tensors = facts("sparsity", "tensors")
    if not isinstance(tensors, dict) or not all(_pair(value) for value in tensors.values()):
        return
    zeros, elements = (sum(pair[index] for pair in tensors.values()) for index in (0, 1))
    yield from facts.alike(("sparsity", "zeros"), zeros, "its tensors have")
    yield from facts.alike(("sparsity", "elements"), elements, "its tensors have")
    if elements:
        yield from facts.alike(("sparsity", "reached"), zeros / elements, "zeros by elements are")
    yield from _channels(facts)
    work = observed.step.work
    if isinstance(work, Prune):
        yield from facts.alike(("sparsity", "asked_zeros"), zeros, "its tensors have")
        for name in ("score", "structure", "scope"):
            yield from facts.alike(("sparsity", name), getattr(work, name), "by its identity it is")
        stated = zeros / elements if not isinstance(work.sparsity, float | int) and elements else work.sparsity
        yield from facts.alike(("sparsity", "asked"), stated, "by its identity it is")
    elif isinstance(work, Training) and work.mask is not None:
        spec = work.mask.chosen[1]
        yield from facts.alike(("sparsity", "asked"), spec.target_sparsity, "by its identity it is")
        settings = facts("sparsity", "settings")
        for name in settings if isinstance(settings, dict) else ():
            yield from facts.alike(("sparsity", "settings", name), getattr(spec, name, None), "by its identity it is")
    try:
        yield from _saved(observed, facts, tensors)
    except NotRecorded:
        return


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)


def _saved(observed: Observed, facts: Facts, tensors: dict[str, Any]) -> Iterator[Contradiction]:
    masks, seen = masks_of(observed), zeros_of(observed)
    pruned = isinstance(observed.step.work, Prune)
    odd = sorted(set(tensors) - set(seen)) if pruned else sorted(set(tensors) ^ set(seen))
    if odd:
        yield Contradiction(
            f"sparsity.tensors.{odd[0]}", f"{odd[0]} is in the record's sparsity or in {MASKS}, not in both"
        )
        return
    for name, (zeros, elements) in tensors.items():
        if elements != masks.tensors[name].elements:
            message = f"{name} has {masks.tensors[name].elements} elements, the record says {elements}"
            yield Contradiction(f"sparsity.tensors.{name}", message, masks.tensors[name].elements, elements)
        if zeros != seen[name]:
            message = f"{name} has {seen[name]} zeros in the saved model, the record says {zeros}"
            yield Contradiction(f"sparsity.tensors.{name}", message, seen[name], zeros)
        removed = masks.zeros(name)
        if removed > seen[name] or (pruned and removed != seen[name]):
            message = f"the mask of {name} removes {removed} weights, {seen[name]} are zero in the saved model"
            yield Contradiction(MASKS, message, seen[name], removed)
    yield from _per_module(facts, masks)
    yield from _header(observed, facts, masks.facts)


def _header(observed: Observed, facts: Facts, stated: Any) -> Iterator[Contradiction]:
    """What the mask file says of itself is what the record says."""
    assert observed.run is not None
    record = observed.run.record
    known = {**record.sparsity, "seed": record.seed, "model": record.model}
    if isinstance(known.get("tensors"), dict):
        known["tensors"] = sorted(known["tensors"])
    known["calibration"] = {name: record.data.get(name) for name in ("name", "source", "fingerprint")}
    for name, value in stated.items():
        if name in known and not alike(json.loads(json.dumps(known[name])), value):
            yield Contradiction(
                MASKS, f"{name} is {value} in {MASKS}, the record says {known[name]}", known[name], value
            )


def _channels(facts: Facts) -> Iterator[Contradiction]:
    """Of a learned mask: the channels removed of each module, of all, and the share of them."""
    removed, total = facts("sparsity", "channels", "removed"), whole(facts("sparsity", "channels", "total"))
    if not isinstance(removed, dict) or not total or not all(type(each) is int for each in removed.values()):
        return
    yield from facts.alike(("sparsity", "channels", "reached"), sum(removed.values()) / total, "its channels give")


def _per_module(facts: Facts, masks: Any) -> Iterator[Contradiction]:
    """Each masked tensor of a module loses its share of every removed channel, where no other mask was there before."""
    removed, total = facts("sparsity", "channels", "removed"), real(facts("sparsity", "channels", "total"))
    if not isinstance(removed, dict) or not total:
        return
    each = total / len(removed)
    for module, count in removed.items():
        for name, tensor in masks.tensors.items():
            if not name.startswith(f"{module}.") or not any(extent % each == 0 for extent in tensor.shape):
                continue
            expected = count * tensor.elements / each
            if masks.zeros(name) < expected:
                seen = masks.zeros(name)
                message = f"{count} channels of {module} were removed, and the mask of {name} removes {seen} weights"
                yield Contradiction(f"sparsity.channels.removed.{module}", message, expected, seen)
                return
