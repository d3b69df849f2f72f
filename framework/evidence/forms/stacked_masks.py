"""Masks by the names of a checkpoint that has its experts one by one, as masks of the model that stacks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.evidence.architectures.expert_layouts import renames, stacked_shape, stacks
from framework.evidence.mask_layout import MaskHeader
from framework.evidence.masks import MaskFile

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def by_model(masks: MaskFile, model_type: str | None, sha256: str | None = None) -> MaskFile:
    """The same masks by the model's names; these very masks where their names are the model's already.

    Args:
        sha256: That of the masks by the model's names, where it is known.
    """
    source = _Stacked(masks, model_type)
    return MaskFile(masks.path, source, sha256) if source.other else masks


class _Stacked:
    def __init__(self, masks: MaskFile, model_type: str | None):
        self._masks = masks
        shapes = {name: tensor.shape for name, tensor in masks.tensors.items()}
        found = {name: parts for name, parts in stacks(model_type, shapes).items() if name not in shapes}
        inside = {part for parts in found.values() for part in parts}
        new = renames(model_type, shapes)
        self._parts = {new.get(name, name): [name] for name in shapes if name not in inside} | found
        self._shapes = {
            name: stacked_shape(name, parts, shapes[parts[0]], model_type) if name in found else shapes[parts[0]]
            for name, parts in self._parts.items()
        }
        self.other = bool(found or new)

    def header(self) -> MaskHeader:
        return MaskHeader("boolean", self._shapes, self._masks.facts, None)

    def read(self, name: str, layout: str) -> Array:
        import numpy

        return numpy.concatenate([self._masks.bits(part).reshape(-1) for part in self._parts[name]])

    def between(self, name: str, layout: str, start: int, stop: int) -> Array:
        import numpy

        pieces, parts = [], self._parts[name]
        size = self._masks.tensors[parts[0]].elements
        while start < stop:
            part, at = divmod(start, size)
            end = min(size, at + stop - start)
            first = at // 8 * 8
            packed = self._masks.packed_between(parts[part], first, end)
            pieces.append(numpy.unpackbits(packed, count=end - first, bitorder="little")[at - first :])
            start += end - at
        return numpy.concatenate(pieces) if pieces else numpy.empty(0, "u1")

    def size(self, name: str, layout: str) -> int:
        return sum(self._masks.tensors[part].elements for part in self._parts[name])
