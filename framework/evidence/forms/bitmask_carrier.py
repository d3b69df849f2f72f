"""A weight behind a bitmask, as its kept values are read: cut between rows, and shown with the zeros between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from framework.evidence.scanning.windows import Window
from framework.evidence.tensors import StoredTensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_WINDOW = 1 << 20


class BitmaskCarrier:
    """The kept values of a matrix.

    Args:
        tensor: They as they lie in the file.
        before: How many of them the rows before each one have, and all of them: int64 [rows + 1].
        rows: How many rows of the weight must stay together.
        kept: Which weights of some rows are kept: bool [last - first, columns].
    """

    def __init__(
        self, tensor: StoredTensor, weight: StoredTensor, before: Array, rows: int, kept: Callable[[int, int], Array]
    ):
        self.tensor, self._weight, self._before, self._rows, self._kept = tensor, weight, before, rows, kept

    def cut(self, first: int, most: int) -> int:
        if first + most >= self.tensor.elements:
            return self.tensor.elements
        row = self._row(first + most)
        if (position := int(self._before[row])) > first:
            return position
        row = self._last(first) + self._rows
        return int(self._before[row]) if row < self._weight.shape[0] else self.tensor.elements

    def windows(self, first: int, bits: Array) -> Iterator[Window]:
        import numpy

        columns = self._weight.shape[1]
        start, stop = self._row(first), self._row(first + len(bits))
        step = max(_WINDOW // (columns * self._rows), 1) * self._rows
        for row in range(start, stop, step):
            end = min(row + step, stop)
            values = numpy.zeros((end - row) * columns, bits.dtype)
            values[self._kept(row, end).reshape(-1)] = bits[int(self._before[row]) - first : self._before[end] - first]
            yield Window(self._weight, row * columns, values)

    def _row(self, position: int) -> int:
        """The row that begins where the file is cut: rows of zeros alone belong to what comes before them."""
        if position in (0, self.tensor.elements):
            return self._weight.shape[0] if position else 0
        return self._last(position)

    def _last(self, position: int) -> int:
        import numpy

        row = int(numpy.searchsorted(self._before, position, "right")) - 1
        return row // self._rows * self._rows
