"""Masks of another program held to a checkpoint: what they remove should be zero in a pruned one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy

from framework.errors import InputError, Problem
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.forms.weights import is_zero
from framework.locations import Location
from runners.sparsity.foreign.fitting import BIT_ORDERS, Reading

Array = numpy.ndarray[Any, Any]
Masks = Mapping[str, Array]


@dataclass(slots=True)
class _Held:
    """Weights: those that masks remove, those of them that are not zero in the checkpoint, and kept ones that are."""

    removed: int = 0
    returned: int = 0
    kept_zeros: int = 0


def held(
    masks: Masks, checkpoint: CheckpointFiles, reading: Reading, read_as: Callable[[Reading], Masks], place: Location
) -> tuple[int, int]:
    """How many removed weights of the checkpoint are not zero, and how many kept ones are.

    Args:
        read_as: The same masks, read in another way.

    Raises:
        InputError: read in another way the masks would remove nothing but zeros, and as stated they do not: they are
            inverted, packed in the other order, or a square one is transposed.
    """
    problems, found = [], _Held()
    for name, mask, zero in _beside(masks, checkpoint):
        own = _counted(mask, zero)
        found.removed += own.removed
        found.returned += own.returned
        found.kept_zeros += own.kept_zeros
        square = mask.ndim > 1 and mask.shape[-1] == mask.shape[-2]
        if own.returned and own.kept_zeros and square and not _counted(mask.swapaxes(-1, -2), zero).returned:
            advice = "leave its module out of" if reading.turns(name) else "name its module with"
            message = f"the mask of {name} removes {own.returned:,} weights that are not zero, and transposed none"
            problems.append(Problem(message, place, f"{advice} --transposed"))
    if found.returned and found.kept_zeros:
        problems += _otherwise(found, checkpoint, reading, read_as, place)
    if problems:
        raise InputError(problems)
    return found.returned, found.kept_zeros


def _otherwise(
    found: _Held, checkpoint: CheckpointFiles, reading: Reading, read_as: Callable[[Reading], Masks], place: Location
) -> Iterator[Problem]:
    """What should have been stated, where that alone makes all that is removed zero."""
    message = f"{found.returned:,} of {found.removed:,} weights that the masks remove are not zero in the checkpoint"
    for advice, other in _others(reading):
        try:
            masks = read_as(other)
        except InputError:
            continue
        if not any(_counted(mask, zero).returned for _, mask, zero in _beside(masks, checkpoint)):
            yield Problem(f"{message}, and none would be read otherwise", place, advice)


def _others(reading: Reading) -> Iterator[tuple[str, Reading]]:
    inverted = "leave --inverted out: 1 stands for what is kept"
    stated = "state --inverted: 1 stands for what was pruned"
    yield inverted if reading.inverted else stated, replace(reading, inverted=not reading.inverted)
    for bits in BIT_ORDERS if reading.bits else ():
        if bits != reading.bits:
            yield f"state --bits {bits}", replace(reading, bits=bits)


def _beside(masks: Masks, checkpoint: CheckpointFiles) -> Iterator[tuple[str, Array, Array]]:
    """Each mask with where its tensor is zero; not of single experts of a stack that the masks do not fill."""
    for name, mask in masks.items():
        if name in checkpoint.tensors:
            yield name, mask, is_zero(checkpoint.bits(name), checkpoint.tensors[name].dtype)


def _counted(mask: Array, zero: Array) -> _Held:
    removed = mask.size - int(numpy.count_nonzero(mask))
    kept_zeros = int(numpy.count_nonzero(mask & zero))
    return _Held(removed, removed - (int(numpy.count_nonzero(zero)) - kept_zeros), kept_zeros)
