"""Weights that `torch.nn.utils.prune` has masked: `N_orig` and `N_mask` in place of a parameter N.

torch 2.13, `torch/nn/utils/prune.py` (`BasePruningMethod.apply`): the parameter is kept as `N_orig`, the mask is a
buffer `N_mask` of the same shape and dtype, and what the module computes with is their product.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.forms.form import TORCH_PRUNED, Form, Stored
from framework.evidence.scanning.carriers import Below, Carrier, Within
from framework.evidence.score_keys import KINDS
from framework.evidence.tensors import StoredTensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

ORIGINAL, MASK = "_orig", "_mask"
ONE = {"F64": 0x3FF0_0000_0000_0000, "F32": 0x3F80_0000, "F16": 0x3C00, "BF16": 0x3F80}
"""The bits of the number 1."""


class TorchPrunedForm:
    """One parameter and its mask.

    Raises:
        InputError: they do not fit each other.
    """

    kind = TORCH_PRUNED

    def __init__(self, stored: Stored, name: str):
        self.parts = (f"{name}{ORIGINAL}", f"{name}{MASK}")
        original, mask = (stored.tensors[part] for part in self.parts)
        if original.shape != mask.shape:
            message = f"{self.parts[1]} has the shape {list(mask.shape)}, {self.parts[0]} {list(original.shape)}"
            raise InputError.at(stored.place(self.parts[1]), message, "torch saves both in one shape")
        self.tensor = StoredTensor(name, original.dtype, original.shape, 0, 0)

    def read(self, stored: Stored, start: int, stop: int) -> Array:
        return self._product(stored, start, stored.flat(self.parts[0], start, stop))

    def carriers(self, stored: Stored, unit: int, below: Below) -> list[Carrier] | None:
        own = below(self.parts[0], unit)
        return own and [
            Within(each, self.tensor, values=lambda start, bits: self._product(stored, start, bits)) for each in own
        ]

    def _product(self, stored: Stored, start: int, bits: Array) -> Array:
        """The original's bits from an element on, times the mask."""
        import numpy

        kept = self.kept(stored, start, start + len(bits))
        if (kind := KINDS.get(self.tensor.dtype)) is None:
            gone = numpy.zeros(1, bits.dtype)
        else:  # what is no finite number times 0 is none either
            finite = (bits & (kind.sign - 1)) < kind.infinity
            gone = numpy.where(finite, 0, kind.infinity + 1).astype(bits.dtype)
        return numpy.where(kept, bits, gone).astype(bits.dtype)

    def mask(self, stored: Stored) -> Array:
        """The mask itself: boolean in the parameter's shape, True = kept."""
        return self.kept(stored, 0, self.tensor.elements).reshape(self.tensor.shape)

    def kept(self, stored: Stored, start: int, stop: int) -> Array:
        """The mask's flat elements as booleans.

        Raises:
            InputError: one is neither 0 nor 1.
        """
        import numpy

        name = self.parts[1]
        bits, dtype = stored.flat(name, start, stop), stored.tensors[name].dtype
        one = ONE.get(dtype, 1)
        zero = bits & (KINDS[dtype].sign - 1) == 0 if dtype in KINDS else bits == 0
        if (odd := ~zero & (bits != one)).any():
            at = numpy.unravel_index(start + int(numpy.argmax(odd)), self.tensor.shape)
            place = [int(axis) for axis in at]
            message = f"{name} is neither 0 nor 1 at {place}"
            raise InputError.at(stored.place(name), message, "a mask of torch.nn.utils.prune holds nothing else")
        kept: Array = ~zero
        return kept

    def zeros(self, stored: Stored) -> int | None:
        return None


def torch_pruned_forms(stored: Stored) -> Iterator[Form]:
    """The parameters that are stored with a mask.

    Raises:
        InputError: one does not fit its mask.
    """
    for name in stored.tensors:
        own = name.removesuffix(ORIGINAL)
        if own != name and f"{own}{MASK}" in stored.tensors:
            yield TorchPrunedForm(stored, own)
