"""A checkpoint held to a mask: every weight that should be zero and is not, read piece by piece without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.architectures.roles import Architecture
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.forms.stacked_masks import by_model
from framework.evidence.masks import MaskFile
from framework.evidence.score_keys import KINDS, magnitude_keys
from framework.locations import Location

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

FIRST = 5
"""How many places of a tensor are named."""
_PIECE = 1 << 20
_PEFT_PREFIX, _PEFT_MODULE = "base_model.model.", ".base_layer."


@dataclass(frozen=True, slots=True)
class Held:
    """One masked tensor: ``tensor`` is its name in the checkpoint, ``masked`` how many of its weights are to be zero.

    ``returned`` of them are other numbers and ``not_numbers`` are NaN, as checkpoints of Cerebras store pruned weights;
    ``first`` are the indices of the first of both.
    """

    name: str
    tensor: str
    masked: int
    returned: int
    not_numbers: int
    first: tuple[tuple[int, ...], ...]


def hold(masks: MaskFile, checkpoint: CheckpointFiles) -> list[Held]:
    """Every masked tensor of the checkpoint, in the order of the names. Masks of single experts are those of the
    stacked tensors that the model has.

    Raises:
        InputError: a masked tensor is not in the checkpoint, is there twice, has another shape, or is of no float type.
    """
    masks = by_model(masks, Architecture.of(checkpoint.config()).model_type)
    stored = stored_names(masks.tensors, checkpoint)
    for name, tensor in stored.items():
        found, expected = checkpoint.tensors[tensor], masks.tensors[name]
        if found.shape != expected.shape:
            raise InputError.at(
                checkpoint.place(tensor), f"{tensor} has the shape {found.shape}, its mask {expected.shape}"
            )
        if found.dtype not in KINDS:
            raise InputError.at(checkpoint.place(tensor), f"{tensor} has a dtype that is not read here: {found.dtype}")
    return [_held(masks, checkpoint, name, tensor) for name, tensor in stored.items()]


def stored_names(names: Iterable[str], checkpoint: CheckpointFiles) -> Mapping[str, str]:
    """The checkpoint's name of each masked tensor: the same one, or what peft renames it to around an adapter
    (`base_model.model.X.base_layer.weight` is `X.weight`).

    Raises:
        InputError: there is none, or two.
    """
    renamed: dict[str, list[str]] = {}
    for tensor in checkpoint.tensors:
        renamed.setdefault(without_adapter(tensor), []).append(tensor)
    found = {}
    for name in names:
        own = [name] if name in checkpoint.tensors else renamed.get(name, [])
        if len(own) != 1:
            what = "has no tensor" if not own else f"has {' and '.join(own)} for the one tensor"
            raise InputError.at(
                Location(str(checkpoint.path), 1, 1),
                f"the checkpoint {what} {name}, which is masked",
                "names are compared whole; was the mask made for another model?",
            )
        found[name] = own[0]
    return found


def without_adapter(tensor: str) -> str:
    """A tensor's name as it was before peft put an adapter around its module."""
    return tensor.removeprefix(_PEFT_PREFIX).replace(_PEFT_MODULE, ".")


def _held(masks: MaskFile, checkpoint: CheckpointFiles, name: str, tensor: str) -> Held:
    import numpy

    stored, packed = checkpoint.tensors[tensor], masks.packed(name)
    kind = KINDS[stored.dtype]
    buffer = numpy.empty(min(_PIECE, max(stored.elements, 1)), kind.bits)
    masked = returned = not_numbers = 0
    first: list[tuple[int, ...]] = []
    for start in range(0, stored.elements, _PIECE):
        stop = min(start + _PIECE, stored.elements)
        checkpoint.read(tensor, start, stop, buffer)
        keys = magnitude_keys(buffer[: stop - start], stored.dtype, kind)
        gone = numpy.unpackbits(packed[start // 8 : -(-stop // 8)], count=stop - start, bitorder="little") == 0
        masked += int(numpy.count_nonzero(gone))
        wrong = gone & (keys != 0)
        if wrong.any():
            nan = int(numpy.count_nonzero(keys[wrong] > kind.infinity))
            returned, not_numbers = returned + int(numpy.count_nonzero(wrong)) - nan, not_numbers + nan
            places = numpy.flatnonzero(wrong)[: FIRST - len(first)] + start
            first += [tuple(int(axis) for axis in numpy.unravel_index(at, stored.shape)) for at in places]
    return Held(name, tensor, masked, returned, not_numbers, tuple(first))
