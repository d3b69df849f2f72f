"""compressed-tensors' `sparse-bitmask` and `sparse-24-bitmask`: the values that are kept, and which ones they are.

compressed-tensors 0.9.4, `compressors/sparse_compressors/sparse_bitmask.py`, `sparse_24_bitmask.py`, `base.py`, and
`utils/helpers.py` (`pack_bitmasks`): of the weight of a module M there are `M.compressed` (the kept values in row-major
order; [rows, columns / 2] of 2:4), `M.bitmask` (uint8 [rows, ceil(columns / 8)], the first column in the lowest bit),
`M.shape` (int64 [2], [2, 1] of 2:4) and, but of 2:4, `M.row_offsets` (int64 [rows]). Version 0.5.0
(`compressors/sparse_bitmask.py`) puts `.weight` before these four. From 0.20 on the package calls the formats legacy.

The bitmask of `sparse-bitmask` marks what is not zero; that of 2:4 the two largest of four, of which some may be zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.forms.bitmask_carrier import BitmaskCarrier
from framework.evidence.forms.form import BITMASK, Form, Stored
from framework.evidence.mask_layout import ones
from framework.evidence.scanning.carriers import Below, Carrier
from framework.evidence.tensors import StoredTensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_SUFFIX = ".bitmask"
_ADVICE = "was the file cut off, or written by another version? compressed-tensors 0.5 to 0.9 are read"
_PIECE = 1 << 23


class BitmaskForm:
    """One weight behind a bitmask.

    Raises:
        InputError: its four tensors do not fit each other.
    """

    kind = BITMASK

    def __init__(self, stored: Stored, prefix: str):
        self.prefix = prefix
        self._check_parts(stored)
        compressed = stored.tensors[f"{prefix}.compressed"]
        rows, columns = self.shape = self._shape(stored)
        bitmask = stored.tensors[f"{prefix}.bitmask"]
        if bitmask.dtype != "U8" or bitmask.shape != (rows, -(-columns // 8)):
            raise self._wrong(
                stored,
                "bitmask",
                f"is {bitmask.dtype} {list(bitmask.shape)}, not U8 {[rows, -(-columns // 8)]} for a weight of "
                f"{[rows, columns]}",
            )
        name = prefix if prefix.endswith(".weight") else f"{prefix}.weight"
        self.tensor = StoredTensor(name, compressed.dtype, self.shape, 0, 0)
        self._before: Array | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        names = ("bitmask", "compressed", "shape", "row_offsets")
        return tuple(f"{self.prefix}.{name}" for name in names[: 3 if self._paired else 4])

    def read(self, stored: Stored, start: int, stop: int) -> Array:
        import numpy

        before, columns = self._rows(stored), self.shape[1]
        first, last = start // columns, -(-stop // columns)
        kept = self._kept(stored, first, last).reshape(-1)[start - first * columns : stop - first * columns]
        lead = self._kept(stored, first, min(first + 1, last)).reshape(-1)[: start - first * columns]
        begin = int(before[first]) + int(numpy.count_nonzero(lead))
        values = stored.flat(f"{self.prefix}.compressed", begin, begin + int(numpy.count_nonzero(kept)))
        bits = numpy.zeros(stop - start, values.dtype)
        bits[kept] = values
        return bits

    def mask(self, stored: Stored) -> Array:
        """The bitmask itself: boolean in the weight's shape, True = kept."""
        self._rows(stored)
        return self._kept(stored, 0, self.shape[0])

    def carriers(self, stored: Stored, unit: int, below: Below) -> list[Carrier] | None:
        together = lcm(unit, self.shape[1])
        tensor = stored.tensors[f"{self.prefix}.compressed"]
        if not tensor.elements or together > _PIECE:
            return None

        def kept(first: int, last: int) -> Array:
            return self._kept(stored, first, last)

        return [BitmaskCarrier(tensor, self.tensor, self._rows(stored), together // self.shape[1], kept)]

    def zeros(self, stored: Stored) -> int | None:
        kept = int(self._rows(stored)[-1])
        return None if self._paired else self.tensor.elements - kept

    def _kept(self, stored: Stored, first: int, last: int) -> Array:
        """Which weights of some rows are kept."""
        import numpy

        rows, width = self.shape[1], -(-self.shape[1] // 8)
        packed = stored.flat(f"{self.prefix}.bitmask", first * width, last * width).reshape(last - first, width)
        return numpy.unpackbits(packed, axis=-1, count=rows, bitorder="little").view(bool)

    def _rows(self, stored: Stored) -> Array:
        """How many values the rows before each one keep, and all of them: int64 [rows + 1].

        Raises:
            InputError: the bitmask marks another number of values than there are, or other ones than the offsets say.
        """
        import numpy

        if self._before is not None:
            return self._before
        rows, columns = self.shape
        counts = numpy.zeros(rows + 1, "<i8")
        step = max(_PIECE // max(columns, 1), 1)
        for first in range(0, rows, step):
            last = min(first + step, rows)
            counts[first + 1 : last + 1] = self._kept(stored, first, last).sum(axis=1)
        beyond = self._marked(stored) - int(counts.sum())
        if beyond:
            raise self._wrong(stored, "bitmask", f"marks {beyond} weights beyond its {columns} columns")
        before = numpy.cumsum(counts)
        there = stored.tensors[f"{self.prefix}.compressed"].elements
        if int(before[-1]) != there:
            raise self._wrong(stored, "bitmask", f"marks {int(before[-1]):,} weights, and {there:,} are stored")
        if not self._paired:
            offsets = stored.flat(f"{self.prefix}.row_offsets", 0, rows)
            if not numpy.array_equal(offsets, before[:-1]):
                raise self._wrong(stored, "row_offsets", "are not where the rows of the bitmask begin")
        elif (counts[1:] != columns // 2).any():
            raise self._wrong(stored, "bitmask", "does not keep half of every row, as 2:4 does")
        self._before = before
        return before

    def _marked(self, stored: Stored) -> int:
        total = stored.tensors[f"{self.prefix}.bitmask"].elements
        pieces = (
            stored.flat(f"{self.prefix}.bitmask", first, min(first + _PIECE, total))
            for first in range(0, total, _PIECE)
        )
        return sum(ones(piece) for piece in pieces)

    def _check_parts(self, stored: Stored) -> None:
        for name in ("compressed", "shape"):
            if f"{self.prefix}.{name}" not in stored.tensors:
                raise self._wrong(stored, "bitmask", f"is there without {self.prefix}.{name}")
        offsets = stored.tensors.get(f"{self.prefix}.row_offsets")
        compressed = stored.tensors[f"{self.prefix}.compressed"]
        self._paired = offsets is None and len(compressed.shape) == 2
        if offsets is None and not self._paired:
            raise self._wrong(stored, "bitmask", f"is there without {self.prefix}.row_offsets")

    def _shape(self, stored: Stored) -> tuple[int, int]:
        name = f"{self.prefix}.shape"
        tensor = stored.tensors[name]
        sizes = stored.flat(name, 0, tensor.elements).tolist() if tensor.dtype == "I64" else []
        if len(sizes) != 2 or min(sizes) < 1:
            raise self._wrong(stored, "shape", f"is {sizes or tensor.dtype}, not two sizes of a matrix")
        offsets = stored.tensors.get(f"{self.prefix}.row_offsets")
        if offsets is not None and (offsets.dtype, offsets.elements) != ("I64", sizes[0]):
            raise self._wrong(stored, "row_offsets", f"are {offsets.dtype} {list(offsets.shape)}, not I64 {sizes[:1]}")
        return sizes[0], sizes[1]

    def _wrong(self, stored: Stored, part: str, what: str) -> InputError:
        name = f"{self.prefix}.{part}"
        return InputError.at(stored.place(name), f"{name} {what}", _ADVICE)


def bitmask_forms(stored: Stored) -> Iterator[Form]:
    """The weights that are stored with a bitmask; this project's own mask files have none beside `compressed`.

    Raises:
        InputError: the parts of one do not fit each other.
    """
    for name in stored.tensors:
        prefix = name.removesuffix(_SUFFIX)
        if prefix != name and f"{prefix}.compressed" in stored.tensors:
            yield BitmaskForm(stored, prefix)
