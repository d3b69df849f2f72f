"""The tensors that a step should not have changed, held to the checkpoint that it started from."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.evidence.masks import MaskFile
from framework.evidence.scanning.windows import BYTE, Window, show
from framework.evidence.tensors import FlatTensors, kind_of
from framework.manifest.sections.methods import SCORES, SGH, LoRA, Prune
from framework.planning.steps import Training
from framework.stages.checkpoint.remembered_answers import APART
from framework.stages.checkpoint.zeros import MASKS, masks_of, pruned_tensors
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

HEAD = "classifier."
_SOLVES = frozenset(("sparsegpt",))
"""Scores of the built-in pruning that also change what stays."""


class Changed(Exception):
    """A tensor is another one; the message tells which."""


class Apart:
    """Counts the elements that differ in bits from the parent's, of those that a mask keeps (what it removes has a rule
    of its own); a :class:`Watcher` of the step's own model, which has the parent's elements as their turn comes.

    ``counts`` gives how many do for each tensor where any does, and the flat index of the first.
    """

    def __init__(self, before: FlatTensors, names: Iterable[str], masks: MaskFile | None):
        self._before, self._masks = before, masks
        self.units: Mapping[str, int] = dict.fromkeys(names, BYTE)
        self.counts: dict[str, list[int]] = {}
        self._turn = threading.Lock()

    def look(self, window: Window) -> None:
        import numpy

        name, count, first = window.tensor.name, 0, -1
        keep: Array | None = None
        if self._masks is not None and name in self._masks.tensors:
            keep = self._masks.packed_between(name, window.start, window.stop)
        for piece in window.pieces(BYTE):
            differ = piece.bits != self._before.flat(name, piece.start, piece.stop)
            if keep is not None:
                begin = (piece.start - window.start) // BYTE
                packed = numpy.packbits(differ, bitorder="little")
                packed &= keep[begin : begin + len(packed)]
                if not packed.any():
                    continue
                differ = numpy.unpackbits(packed, count=len(differ), bitorder="little").view(bool)
            if found := int(numpy.count_nonzero(differ)):
                count, first = count + found, piece.start + int(differ.argmax()) if first < 0 else first
        if count:
            with self._turn:
                known, before = self.counts.get(name, (0, first))
                self.counts[name] = [known + count, min(before, first)]


def compared(observed: Observed, parent: Observed) -> int:
    """How many tensors the step should have left as they were; all of them are the parent's where a mask keeps them,
    and zero where it does not. The models are read if that was not seen when they were read before.

    Raises:
        Changed: one is not, or is not there, or in another shape or dtype.
        NotRecorded: what the step changes is not known.
    """
    before, after, masks = parent.tensors, observed.tensors, _masks(observed)
    names = list(_held(observed, parent, masks))
    if APART not in observed.known and names:
        watcher = apart_of(observed, parent)
        show(after, watcher)
        observed.known[APART] = watcher.counts
    for name in names:
        tensor = before.tensors[name]
        if name not in after.tensors:
            raise Changed(f"{name} is not in the saved model, and is in its parent's")
        if (tensor.dtype, tensor.shape) != (after.tensors[name].dtype, after.tensors[name].shape):
            raise Changed(f"{name} has another shape or dtype than its parent's")
        masked = masks is not None and name in masks.tensors
        if masks is not None and masked and masks.tensors[name].elements != tensor.elements:
            raise NotRecorded(f"the mask of {name} fits no tensor of the saved model")
        before.flat(name, 0, 0)  # says why it is not read
        if name in observed.known[APART]:
            apart, first = observed.known[APART][name]
            what = "kept weights" if masked else "weights"
            message = (
                f"{apart} of {tensor.elements} {what} of {name} are not its parent's, the first at flat index {first}"
            )
            raise Changed(message)
    if isinstance(observed.step.work, Prune) and (more := sorted(after.tensors.keys() - before.tensors.keys())):
        raise Changed(f"{more[0]} is in the saved model, and not in its parent's")
    return len(names)


def apart_of(observed: Observed, parent: Observed) -> Apart:
    """Who compares the tensors that the step should have left, and that fit their parent's and their masks.

    Raises:
        NotRecorded: what the step changes is not known, or a model is gone.
    """
    before, after, masks = parent.tensors, observed.tensors.tensors, _masks(observed)

    def fits(name: str) -> bool:
        tensor, own = before.tensors[name], after.get(name)
        if own is None or (tensor.dtype, tensor.shape) != (own.dtype, own.shape) or not kind_of(own.dtype):
            return False
        return masks is None or name not in masks.tensors or masks.tensors[name].elements == own.elements

    return Apart(before, filter(fits, _held(observed, parent, masks)), masks)


def _masks(observed: Observed) -> MaskFile | None:
    assert observed.run is not None
    return masks_of(observed) if (observed.run.folder / MASKS).is_file() else None


def _held(observed: Observed, parent: Observed, masks: MaskFile | None) -> Iterator[str]:
    """The names of what the step leaves."""
    work = observed.step.work
    tensors = parent.tensors.tensors
    if isinstance(work, Prune):
        own: set[str] = set()
        if work.score not in SCORES or work.score in _SOLVES:
            own = set(pruned_tensors(observed, masks_of(observed)))
        yield from (name for name in tensors if name not in own)
    elif isinstance(work, Training) and work.adapter is not None:
        spec = work.adapter.chosen[1]
        if not isinstance(spec, LoRA | SGH):
            raise NotRecorded(f"which weights a {work.adapter.chosen[0]} changes is not known here")
        headed = any(name.startswith(HEAD) for name in observed.tensors.tensors)
        for name in tensors:
            # IA3 scales the bias of its module with the weight, and the merge has a rule of its own.
            scaled = isinstance(spec, SGH) and name.endswith(".bias")
            module = name.removesuffix(".bias" if scaled else ".weight")
            adapted = module != name and any(f".{module}".endswith(f".{target}") for target in spec.targets)
            # A classifier has no head for a language model, and trains its own.
            gone = headed and name not in observed.tensors.tensors and name.startswith("lm_head.")
            if not adapted and not name.startswith(HEAD) and not gone:
                yield name
    elif isinstance(work, Training):
        yield from (name for name in _frozen(observed) if name in tensors)


def _frozen(observed: Observed) -> Iterator[str]:
    """The parameters in groups that were declared frozen."""
    try:
        groups = observed.recorded("observed", "optimizer", "groups")
    except NotRecorded:
        return
    stated = getattr(observed.step.work, "phase").optimizer.groups or ()  # noqa: B009
    frozen = {index for index, group in enumerate(stated) if group.frozen}
    for group in groups if isinstance(groups, list) else ():
        if isinstance(group, dict) and group.get("group") in frozen and isinstance(group.get("names"), list):
            yield from (str(name) for name in group["names"])
