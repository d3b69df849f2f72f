"""Counting zeros and masks in saved tensors, as integers."""

from __future__ import annotations

from framework.evidence.forms.stacked_masks import by_model
from framework.evidence.masks import MaskFile
from framework.stages.run.observed import NotRecorded, Observed

MASKS = "masks.safetensors"
"""The mask file of a run folder; see :mod:`framework.evidence.masks`."""


def masks_of(observed: Observed, name: str = MASKS) -> MaskFile:
    """The masks that a run's model must hold, or those in another file of its folder.

    Raises:
        NotRecorded: the run left none.
    """
    assert observed.run is not None
    path = observed.run.folder / name
    if not path.is_file():
        raise NotRecorded(f"{observed.step.label} left no {name}")
    return by_model(MaskFile(path), observed.step.model.family)


def zeros_of(observed: Observed) -> dict[str, int]:
    """Exactly zero weights of the saved model, by tensor, over the tensors that its masks name.

    Raises:
        NotRecorded: the run left no masks, or a masked tensor is not in the model.
    """
    counts = {}
    for name in sorted(masks_of(observed).tensors):
        if name not in observed.tensors.tensors:
            raise NotRecorded(f"{observed.step.label}: the saved model has no tensor {name}, which is masked")
        counts[name] = observed.tensors.zeros(name)
    return counts


def pruned_tensors(observed: Observed, masks: MaskFile) -> list[str]:
    """The tensors that a pruning step pruned itself, sorted; its mask file holds those of the steps before it too.

    Raises:
        NotRecorded: the run did not say which, or one of them has no mask.
    """
    names = sorted(observed.recorded("sparsity", "tensors"))
    if missing := [name for name in names if name not in masks.tensors]:
        raise NotRecorded(f"{observed.step.label}: {missing[0]} was pruned and has no mask")
    return names


def returned_weights(observed: Observed) -> list[tuple[str, int, tuple[int, ...]]]:
    """Masked weights that are not zero: tensor, how many, and the index of the first.

    Raises:
        NotRecorded: the run left no masks, or a mask does not fit its tensor.
    """
    import numpy

    masks, found = masks_of(observed), []
    for name, mask in sorted(masks.tensors.items()):
        tensor = observed.tensors.tensors.get(name)
        if tensor is None or tensor.shape != mask.shape:
            raise NotRecorded(f"{observed.step.label}: the mask of {name} fits no tensor of the saved model")
        back = ~observed.tensors.is_zero(name) & masks.is_zero(name)
        if back.any():
            index = tuple(int(axis[0]) for axis in numpy.nonzero(back))
            found.append((name, int(back.sum()), index))
    return found
