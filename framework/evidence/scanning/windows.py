"""A tensor as a reader of files passes it on: window by window, each of whole units of those who look at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any, Protocol

from framework.evidence.tensors import BITS, FlatTensors, StoredTensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

BYTE = 8
"""A unit of as many elements begins and ends with a byte of a packed mask."""
_PIECE = 1 << 18
_WINDOW = 1 << 20


@dataclass(frozen=True, slots=True)
class Window:
    """Some elements of a tensor, in their flat order: ``bits`` are those from element ``start``, as
    :meth:`framework.evidence.tensors.TensorFile.bits` gives them."""

    tensor: StoredTensor
    start: int
    bits: Array

    @property
    def stop(self) -> int:
        return self.start + len(self.bits)

    def pieces(self, unit: int) -> Iterator[Window]:
        """The same in pieces that a processor's cache holds, each of whole units (but the tensor's last)."""
        size = max(_PIECE // unit, 1) * unit
        for at in range(0, len(self.bits), size):
            yield Window(self.tensor, self.start + at, self.bits[at : at + size])

    def magnitudes(self) -> Array:
        """The bits without the sign of a float: zero where the value is zero, of either sign."""
        import numpy

        if self.tensor.dtype not in BITS:
            return self.bits
        unsigned: Array = numpy.bitwise_and(self.bits, self.bits.dtype.type((1 << (8 * self.bits.itemsize - 1)) - 1))
        return unsigned


class Watcher(Protocol):
    """Who looks at tensors while a file is read. Windows come in any order, from several threads at once."""

    @property
    def units(self) -> Mapping[str, int]:
        """The tensors to look at, and how many elements of each must stay together."""
        ...

    def look(self, window: Window) -> None: ...


def units_of(watchers: Iterable[Watcher]) -> dict[str, int]:
    """The tensors that somebody looks at, and how many elements of each must stay together for all who do."""
    units: dict[str, int] = {}
    for watcher in watchers:
        for name, unit in watcher.units.items():
            units[name] = lcm(units.get(name, 1), unit)
    return units


def windows(file: FlatTensors, name: str, unit: int) -> Iterator[Window]:
    """All windows of one tensor of a file, read one at a time."""
    tensor, size = file.tensors[name], max(_WINDOW // unit, 1) * unit
    for start in range(0, tensor.elements, size):
        yield Window(tensor, start, file.flat(name, start, min(start + size, tensor.elements)))


def show(file: FlatTensors, watcher: Watcher) -> None:
    """Let somebody look at a file that is read for nobody else."""
    for name, unit in watcher.units.items():
        for window in windows(file, name, unit):
            watcher.look(window)
