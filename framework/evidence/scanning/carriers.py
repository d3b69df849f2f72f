"""Who carries a weight past its watchers: the stored tensors that hold its values, whatever form it lies in.

Of a plain tensor those are its own bytes; of one in a form the values go by as they are read, and what says which of
them are kept (a bitmask, torch's mask) is read beside them, piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from framework.evidence.scanning.windows import Window
from framework.evidence.tensors import StoredTensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


class Carrier(Protocol):
    """A stored tensor whose elements, as they are read, tell of a weight."""

    @property
    def tensor(self) -> StoredTensor:
        """What lies in the file."""
        ...

    def cut(self, first: int, most: int) -> int:
        """Up to which element what begins with ``first`` (0, or an earlier answer) may be read: at most ``most`` of
        them, or what cannot be parted."""
        ...

    def windows(self, first: int, bits: Array) -> Iterator[Window]:
        """What the bits between two cuts tell of the weight, in whole units of it."""
        ...


Below = Callable[[str, int], list[Carrier] | None]
"""Gives the carriers of a tensor that a form is made of, by its name and unit; None where there are none."""


class Plain:
    """A tensor as it is, to be cut into whole units."""

    def __init__(self, tensor: StoredTensor, unit: int):
        self.tensor, self._unit = tensor, unit

    def cut(self, first: int, most: int) -> int:
        return min(first + max(most // self._unit, 1) * self._unit, self.tensor.elements)

    def windows(self, first: int, bits: Array) -> Iterator[Window]:
        yield Window(self.tensor, first, bits)


class Within:
    """What another one carries, as a part of a weight: it begins with the element ``offset``, and ``values`` makes the
    weight's bits of those that go by, from the element that they begin with."""

    def __init__(
        self,
        carrier: Carrier,
        weight: StoredTensor,
        offset: int = 0,
        values: Callable[[int, Array], Array] | None = None,
    ):
        self._carrier, self._weight, self._offset, self._values = carrier, weight, offset, values
        self.cut = carrier.cut

    @property
    def tensor(self) -> StoredTensor:
        return self._carrier.tensor

    def windows(self, first: int, bits: Array) -> Iterator[Window]:
        for window in self._carrier.windows(first, bits):
            own = window.bits if self._values is None else self._values(window.start, window.bits)
            yield Window(self._weight, self._offset + window.start, own)
