"""What masks keep, tensor by tensor, and how much two of them overlap. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy

from framework.errors import InputError
from framework.evidence.mask_layout import ones
from framework.evidence.masks import MaskFile
from framework.evidence.orientation import INPUT_FIRST, in_rows
from framework.locations import Location

BINS = 10
"""Of the histogram of outputs by their own sparsity: equal parts from 0 to 1."""
_PATTERNS = ((2, 4), (4, 8))


@dataclass(frozen=True, slots=True)
class TensorStatistics:
    """One mask. ``pattern`` is the first of `2:4` and `4:8` that all groups of inputs keep exactly, if one does;
    ``histogram`` counts the outputs by the share of their own weights that is removed."""

    name: str
    shape: tuple[int, ...]
    elements: int
    zeros: int
    sparsity: float
    pattern: str | None
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """All masks of a file."""

    tensors: tuple[TensorStatistics, ...]

    @property
    def elements(self) -> int:
        return sum(each.elements for each in self.tensors)

    @property
    def zeros(self) -> int:
        return sum(each.zeros for each in self.tensors)

    @property
    def sparsity(self) -> float:
        return self.zeros / max(self.elements, 1)

    @property
    def histogram(self) -> list[int]:
        return [sum(each.histogram[index] for each in self.tensors) for index in range(BINS)]

    def as_dict(self) -> dict[str, Any]:
        totals = {"elements": self.elements, "zeros": self.zeros, "sparsity": self.sparsity}
        return {**totals, "histogram": self.histogram, "tensors": [asdict(each) for each in self.tensors]}


def statistics(masks: MaskFile) -> Statistics:
    """Of every tensor, in the order of the names; one mask is unpacked at a time. Outputs are the first dimension,
    unless the file says that inputs come first."""
    return Statistics(tuple(_of(masks, name) for name in masks.tensors))


def _of(masks: MaskFile, name: str) -> TensorStatistics:
    mask = masks.mask(name)
    module = f".{name.removesuffix('.weight')}"
    turned = any(module.endswith(f".{each}") for each in masks.facts.get(INPUT_FIRST, ()))
    rows = in_rows(name, mask, turned)
    outputs, inputs = rows.shape
    removed = inputs - rows.sum(axis=1) if inputs else numpy.zeros(outputs, int)
    shares = removed * BINS // max(inputs, 1)
    histogram = numpy.bincount(numpy.minimum(shares, BINS - 1), minlength=BINS)
    found = (
        f"{kept}:{size}"
        for kept, size in _PATTERNS
        if inputs and inputs % size == 0 and (rows.reshape(-1, size).sum(axis=1) == kept).all()
    )
    zeros = int(removed.sum())
    counts = tuple(int(count) for count in histogram)
    return TensorStatistics(name, mask.shape, mask.size, zeros, zeros / max(mask.size, 1), next(found, None), counts)


@dataclass(frozen=True, slots=True)
class TensorOverlap:
    """Two masks of one tensor: intersection over union of what is kept and of what is removed (1 where nothing is), how
    many weights both remove, and how many only the first or only the second does."""

    name: str
    kept_iou: float
    removed_iou: float
    both: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two mask files; ``alone`` are the tensors that only one of them masks, which count nowhere."""

    one: str
    other: str
    tensors: tuple[TensorOverlap, ...]
    total: TensorOverlap
    alone: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def overlap(one: MaskFile, other: MaskFile) -> Overlap:
    """How much two files' masks overlap.

    Raises:
        InputError: they have different shapes for a tensor, or no tensor in common.
    """
    shared = [name for name in one.tensors if name in other.tensors]
    if not shared:
        raise InputError.at(Location(str(other.path), 1, 1), f"it masks no tensor that {one.path} masks")
    counts = {}
    for name in shared:
        shapes = one.tensors[name].shape, other.tensors[name].shape
        if shapes[0] != shapes[1]:
            raise InputError.at(
                Location(str(other.path), 1, 1), f"{name} has the shape {shapes[1]}, in {one.path} {shapes[0]}"
            )
        first, second = one.packed(name), other.packed(name)
        kept = ones(first & second)
        counts[name] = (one.tensors[name].elements, kept, ones(first) - kept, ones(second) - kept)
    totals = [sum(each[index] for each in counts.values()) for index in range(4)]
    tensors = tuple(_overlap(name, *each) for name, each in counts.items())
    alone = tuple(sorted(set(one.tensors) ^ set(other.tensors)))
    return Overlap(str(one.path), str(other.path), tensors, _overlap("all", *totals), alone)


def _overlap(name: str, elements: int, kept: int, only_first: int, only_second: int) -> TensorOverlap:
    """From how many are kept by both, and by one of the two alone."""
    removed = elements - kept - only_first - only_second
    apart = only_first + only_second
    return TensorOverlap(
        name,
        kept_iou=kept / (kept + apart) if kept + apart else 1.0,
        removed_iou=removed / (removed + apart) if removed + apart else 1.0,
        both=removed,
        first=only_second,
        second=only_first,
    )
