"""The tensors that a step should not have changed, held to the checkpoint that it started from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework.evidence.masks import MaskFile
from framework.manifest.sections.methods import SCORES, SGH, LoRA, Prune
from framework.planning.steps import Training
from framework.stages.checkpoint.zeros import MASKS, masks_of, pruned_tensors
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

HEAD = "classifier."
_SOLVES = frozenset(("sparsegpt",))
"""Scores of the built-in pruning that also change what stays."""
_PIECE = 1 << 22
"""Elements that are compared at once."""


class Changed(Exception):
    """A tensor is another one; the message tells which."""


def compared(observed: Observed, parent: Observed) -> int:
    """How many tensors the step should have left as they were; all of them are the parent's where a mask keeps them,
    and zero where it does not.

    Raises:
        Changed: one is not, or is not there, or in another shape or dtype.
        NotRecorded: what the step changes is not known.
    """
    assert observed.run is not None
    before, after = parent.tensors, observed.tensors
    masks = masks_of(observed) if (observed.run.folder / MASKS).is_file() else None
    names = list(_held(observed, parent, masks))
    for name in names:
        tensor = before.tensors[name]
        if name not in after.tensors:
            raise Changed(f"{name} is not in the saved model, and is in its parent's")
        if (tensor.dtype, tensor.shape) != (after.tensors[name].dtype, after.tensors[name].shape):
            raise Changed(f"{name} has another shape or dtype than its parent's")
        keep = masks.mask(name).reshape(-1) if masks is not None and name in masks.tensors else None
        if keep is not None and keep.size != tensor.elements:
            raise NotRecorded(f"the mask of {name} fits no tensor of the saved model")
        apart, first = _apart(before.bits(name).reshape(-1), after.bits(name).reshape(-1), keep)
        if apart:
            what = "kept weights" if keep is not None else "weights"
            message = (
                f"{apart} of {tensor.elements} {what} of {name} are not its parent's, the first at flat index {first}"
            )
            raise Changed(message)
    if isinstance(observed.step.work, Prune) and (more := sorted(after.tensors.keys() - before.tensors.keys())):
        raise Changed(f"{more[0]} is in the saved model, and not in its parent's")
    return len(names)


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


def _apart(before: Any, after: Any, keep: numpy.ndarray[Any, Any] | None) -> tuple[int, int]:
    """How many elements differ in bits, of those that are kept, and the first; what is masked has a rule of its own."""
    import numpy

    count, first = 0, -1
    for start in range(0, len(before), _PIECE):
        window = slice(start, start + _PIECE)
        differ = before[window] != after[window]
        if keep is not None:
            differ &= keep[window]
        found = int(numpy.count_nonzero(differ))
        if found and first < 0:
            first = start + int(numpy.flatnonzero(differ)[0])
        count += found
    return count, first
