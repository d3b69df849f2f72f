"""Counting zeros and masks in saved tensors, as integers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.evidence.forms.stacked_masks import by_model
from framework.evidence.mask_layout import ones
from framework.evidence.masks import MaskFile
from framework.evidence.scanning.windows import BYTE, Window, show
from framework.evidence.tensors import StoredTensor, kind_of
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

MASKS = "masks.safetensors"
"""The mask file of a run folder; see :mod:`framework.evidence.masks`."""
COUNTED, DIGEST, OPENED = "counts under the masks", "digest of ", "masks of "
"""What is known of a run: see :attr:`framework.stages.run.observed.Observed.known`."""


def masks_of(observed: Observed, name: str = MASKS) -> MaskFile:
    """The masks that a run's model must hold, or those in another file of its folder.

    Raises:
        NotRecorded: the run left none.
    """
    assert observed.run is not None
    found: MaskFile | None = observed.known.get(OPENED + name)
    if found is None:
        path = observed.run.folder / name
        if not path.is_file():
            raise NotRecorded(f"{observed.step.label} left no {name}")
        stored, own = observed.known.get(DIGEST + name, (None, None))
        masks = MaskFile(path, sha256=stored)
        found = observed.known[OPENED + name] = by_model(masks, observed.step.model.family, own)
        observed.known[DIGEST + name] = masks.sha256, found.sha256
    return found


class UnderMasks:
    """Counts the zeros of masked tensors, and the masked weights that are not zero; a :class:`Watcher` of the file that
    the tensors lie in. Masks that fit no tensor are left out; of those of another shape the zeros alone are counted.

    ``counts`` gives for each tensor its zeros, how many masked weights are not zero, the flat index of the first (-1
    where there is none), and how many are masked.
    """

    def __init__(self, masks: MaskFile, tensors: Mapping[str, StoredTensor]):
        self._masks = masks
        fitting = {name: tensors[name] for name in masks.tensors if name in tensors and kind_of(tensors[name].dtype)}
        self._held = {name for name, tensor in fitting.items() if tensor.shape == masks.tensors[name].shape}
        self.units: Mapping[str, int] = dict.fromkeys(fitting, BYTE)
        self.counts: dict[str, list[int]] = {
            name: [0, 0, -1, 0 if name in self._held else masks.zeros(name)] for name in fitting
        }
        self._turn = threading.Lock()

    def look(self, window: Window) -> None:
        import numpy

        name, zeros, returned, first, masked = window.tensor.name, 0, 0, -1, 0
        bits: Array | None = None
        if name in self._held:
            bits = self._masks.packed_between(name, window.start, window.stop)
            masked = len(window.bits) - ones(bits)
        for piece in window.pieces(BYTE):
            there = piece.magnitudes() != 0
            zeros += len(there) - int(numpy.count_nonzero(there))
            if bits is None:
                continue
            begin = (piece.start - window.start) // BYTE
            packed = numpy.packbits(there, bitorder="little")
            back = packed & ~bits[begin : begin + len(packed)]
            if back.any():
                places = numpy.flatnonzero(numpy.unpackbits(back, count=len(there), bitorder="little"))
                returned, first = returned + len(places), piece.start + int(places[0]) if first < 0 else first
        with self._turn:
            count = self.counts[name]
            count[0], count[1], count[3] = count[0] + zeros, count[1] + returned, count[3] + masked
            if first >= 0:
                count[2] = first if count[2] < 0 else min(count[2], first)


def counts_of(observed: Observed) -> Mapping[str, list[int]]:
    """:attr:`UnderMasks.counts` of a run's saved model under its own masks, by every mask's name; the model is read if
    that was not seen when it was read before.

    Raises:
        NotRecorded: the run left no masks, or no model.
    """
    if COUNTED not in observed.known:
        watcher = UnderMasks(masks_of(observed), observed.tensors.tensors)
        show(observed.tensors, watcher)
        observed.known[COUNTED] = watcher.counts
    found: Mapping[str, list[int]] = observed.known[COUNTED]
    return found


def zeros_of(observed: Observed) -> dict[str, int]:
    """Exactly zero weights of the saved model, by tensor, over the tensors that its masks name.

    Raises:
        NotRecorded: the run left no masks, or a masked tensor is not in the model.
    """
    counts = {}
    for name in sorted(masks_of(observed).tensors):
        if name not in observed.tensors.tensors:
            raise NotRecorded(f"{observed.step.label}: the saved model has no tensor {name}, which is masked")
        found = counts_of(observed).get(name)
        counts[name] = observed.tensors.zeros(name) if found is None else found[0]
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
    masks, found = masks_of(observed), []
    for name, mask in masks.tensors.items():
        tensor = observed.tensors.tensors.get(name)
        if tensor is None or tensor.shape != mask.shape:
            raise NotRecorded(f"{observed.step.label}: the mask of {name} fits no tensor of the saved model")
        if name not in counts_of(observed):
            observed.tensors.bits(name)  # says why it is not read
        _, returned, first, _ = counts_of(observed)[name]
        if returned:
            found.append((name, returned, _index(first, mask.shape)))
    return found


def masked_weights(observed: Observed) -> int:
    """How many weights the masks of a run remove, of the tensors that they fit.

    Raises:
        NotRecorded: the run left no masks, or no model.
    """
    return sum(masked for _, _, _, masked in counts_of(observed).values())


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index = []
    for length in reversed(shape):
        flat, place = divmod(flat, length)
        index.append(place)
    return tuple(reversed(index))
