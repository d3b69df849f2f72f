"""Stacked experts of a model whose checkpoint has them one by one; see :mod:`..architectures.expert_layouts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.evidence.architectures.expert_layouts import renames, stacked_shape, stacks
from framework.evidence.forms.form import BY_EXPERT, Form, Stored
from framework.evidence.scanning.carriers import Below, Carrier, Within
from framework.evidence.tensors import StoredTensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


class StackedForm:
    """A tensor whose flat elements are those of its parts, one part after the other."""

    def __init__(self, kind: str, tensor: StoredTensor, parts: tuple[str, ...]):
        self.kind, self.tensor, self.parts = kind, tensor, parts
        self._size = tensor.elements // len(parts)

    def read(self, stored: Stored, start: int, stop: int) -> Array:
        import numpy

        pieces = []
        while start < stop:
            part, at = divmod(start, self._size)
            end = min(self._size, at + stop - start)
            pieces.append(stored.flat(self.parts[part], at, end))
            start += end - at
        return numpy.concatenate(pieces) if pieces else stored.flat(self.parts[0], 0, 0)

    def carriers(self, stored: Stored, unit: int, below: Below) -> list[Carrier] | None:
        if len(self.parts) > 1 and self._size % unit:
            return None
        found: list[Carrier] = []
        for number, part in enumerate(self.parts):
            if (own := below(part, unit)) is None:
                return None
            found += [Within(each, self.tensor, number * self._size) for each in own]
        return found

    def zeros(self, stored: Stored) -> int | None:
        return None


def expert_forms(tensors: Mapping[str, StoredTensor], model_type: str | None) -> Iterator[Form]:
    """The stacked experts of a model, and what lies beside them under the names that it has there."""
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name, parts in stacks(model_type, shapes).items():
        dtypes = {tensors[part].dtype for part in parts}
        if name not in tensors and len(dtypes) == 1:
            shape = stacked_shape(name, parts, shapes[parts[0]], model_type)
            yield StackedForm(BY_EXPERT, StoredTensor(name, dtypes.pop(), shape, 0, 0), tuple(parts))
    for name, new in renames(model_type, tensors).items():
        if new not in tensors:
            tensor = tensors[name]
            yield StackedForm("", StoredTensor(new, tensor.dtype, tensor.shape, 0, 0), (name,))
