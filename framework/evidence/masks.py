"""Mask files: one format in the whole project, read here without torch (`docs/masks.md` describes it for others).

A mask holds one bit per weight, 1 = kept. Three layouts say the same: `packed` (flat bits in row-major order, 8 in a
byte, the first in the lowest bit), `boolean` (one byte per weight) and `bitmask` (packed row by row, under the names
of compressed-tensors' sparse-bitmask format). They lie in safetensors, in NumPy's npz or in PyTorch's pt files; the
SHA-256 is over the metadata and the packed bits, and so the same in all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from framework.errors import InputError
from framework.evidence.mask_layout import FORMAT, HEADER, MaskHeader, digest, ones, packed, stored_name, stored_shape
from framework.evidence.tensors import StoredTensor, TensorFile
from framework.locations import Location

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


_PIECE = 1 << 23


class MaskFile:
    """The masks of a safetensors or npz file (or of another ``source``), by the names of the tensors that they
    belong to.

    ``tensors`` gives each mask's shape as :class:`StoredTensor` (`dtype` BOOL), so that it reads like a file of
    booleans whatever its layout. Plain booleans without a header, as anybody may write them, are masks too. ``sha256``
    is given where the bits were read before and found to be these.

    Raises:
        InputError: the file is missing, truncated, damaged (its bits are not those of its SHA-256), or no mask file.
    """

    def __init__(self, path: Path, source: Source | None = None, sha256: str | None = None):
        self.path = path
        where = Location(str(path), 1, 1)
        if source is None and path.suffix == ".pt":
            advice = "`framework mask` commands read it with torch; safetensors and npz are read everywhere"
            raise InputError.at(where, "a mask file of PyTorch, which is not read without it", advice)
        self._source: Source = source or (_Npz(path) if path.suffix == ".npz" else _Tensors(path))
        try:
            self.header = self._source.header()
        except ValueError as problem:
            raise InputError.at(where, f"not a mask file: {problem}") from None
        self.facts = self.header.facts
        self.metadata = {name: str(value) for name, value in self.facts.items()}
        shapes = dict(sorted(self.header.shapes.items()))
        self.tensors = {name: StoredTensor(name, "BOOL", shape, 0, math.prod(shape)) for name, shape in shapes.items()}
        for name, shape in shapes.items():
            stored, expected = self._source.size(name, self.header.layout), stored_shape(shape, self.header.layout)
            if stored != math.prod(expected):
                raise InputError.at(where, f"not a mask file: {name} has {stored} stored bytes, not {expected}")
        self.sha256 = sha256 or digest(self.facts, shapes, self._packed_pieces)
        if self.header.sha256 is not None and self.header.sha256 != self.sha256:
            raise InputError.at(
                where,
                f"damaged: its SHA-256 is {self.sha256[:12]}..., and it states {self.header.sha256[:12]}...",
                "its masks or its metadata are not what was written; take the original, or compute it again",
            )

    def mask(self, name: str) -> Array:
        """A boolean array of the tensor's shape, True = kept."""
        import numpy

        shape, raw = self.tensors[name].shape, self._source.read(name, self.header.layout)
        if self.header.layout == "boolean":
            kept: Array = raw.reshape(shape) != 0
            return kept
        if self.header.layout == "packed":
            return numpy.unpackbits(raw, count=math.prod(shape), bitorder="little").view(bool).reshape(shape)
        rows = raw.reshape(stored_shape(shape, "bitmask"))
        return numpy.unpackbits(rows, axis=-1, count=shape[-1], bitorder="little").view(bool).reshape(shape)

    def packed(self, name: str) -> Array:
        """The mask's flat bits in the packed layout: uint8 [ceil(elements / 8)]."""
        if self.header.layout == "packed":
            return self._source.read(name, self.header.layout)
        return packed(self.mask(name))

    def packed_between(self, name: str, start: int, stop: int) -> Array:
        """The packed bits of the flat elements ``start`` (a multiple of 8) to ``stop``: uint8, read and not mapped."""
        import numpy

        shape, layout = self.tensors[name].shape, self.header.layout
        if layout == "packed":
            return self._source.between(name, layout, start // 8, -(-stop // 8))
        if layout == "boolean":
            return numpy.packbits(self._source.between(name, layout, start, stop) != 0, bitorder="little")
        if start == stop:
            return numpy.empty(0, "u1")
        width = stored_shape(shape, layout)[-1]
        first, last = start // shape[-1], -(-stop // shape[-1])
        rows = self._source.between(name, layout, first * width, last * width).reshape(-1, width)
        bits = numpy.unpackbits(rows, axis=-1, count=shape[-1], bitorder="little").reshape(-1)
        begin = start - first * shape[-1]
        return numpy.packbits(bits[begin : begin + stop - start], bitorder="little")

    def _packed_pieces(self, name: str) -> Iterator[Array]:
        elements = self.tensors[name].elements
        for start in range(0, elements, _PIECE):
            yield self.packed_between(name, start, min(start + _PIECE, elements))

    def is_zero(self, name: str) -> Array:
        """A boolean array of the tensor's shape, True = removed."""
        return ~self.mask(name)

    def zeros(self, name: str) -> int:
        """How many of the tensor's weights are removed."""
        return self.tensors[name].elements - sum(ones(piece) for piece in self._packed_pieces(name))

    def bits(self, name: str) -> Array:
        """The mask as uint8, 1 = kept, in the tensor's shape."""
        import numpy

        return self.mask(name).view(numpy.uint8)


class Source(Protocol):
    """Where the stored bytes of masks lie; one class per container."""

    def header(self) -> MaskHeader:
        """What the file says of its masks; ValueError: it holds none."""

    def read(self, name: str, layout: str) -> Array:
        """The stored bytes, flat uint8."""

    def between(self, name: str, layout: str, start: int, stop: int) -> Array:
        """The stored bytes ``start`` to ``stop``, flat uint8."""

    def size(self, name: str, layout: str) -> int:
        """How many bytes are stored."""


class _Tensors:
    def __init__(self, path: Path):
        self.file = TensorFile(path)

    def header(self) -> MaskHeader:
        tensors = self.file.tensors
        if self.file.metadata.get("format") != FORMAT and tensors:
            for name, tensor in tensors.items():
                if tensor.dtype != "BOOL":
                    raise ValueError(f"the mask of {name} is {tensor.dtype}, not boolean")
            shapes = {name: tensor.shape for name, tensor in tensors.items()}
            return MaskHeader("boolean", shapes, dict(self.file.metadata), None)
        header = MaskHeader.from_metadata(self.file.metadata)
        own = "BOOL" if header.layout == "boolean" else "U8"
        stored = {stored_name(name, header.layout) for name in header.shapes}
        if missing := sorted(stored ^ {name for name in tensors if not name.endswith(".shape")}):
            raise ValueError(f"{missing[0]} is in its header or in its tensors, not in both")
        if other := sorted(name for name in stored if tensors[name].dtype != own):
            raise ValueError(f"{other[0]} is {tensors[other[0]].dtype}, not {own}")
        return header

    def read(self, name: str, layout: str) -> Array:
        return self.file.bits(stored_name(name, layout)).reshape(-1)

    def between(self, name: str, layout: str, start: int, stop: int) -> Array:
        return self.file.flat(stored_name(name, layout), start, stop)

    def size(self, name: str, layout: str) -> int:
        return self.file.tensors[stored_name(name, layout)].elements


class _Npz:
    """NumPy's archive of arrays, never unpickled: the packed or boolean mask of each name, and the header's JSON."""

    def __init__(self, path: Path):
        import zipfile

        import numpy

        self.path = path
        try:
            # Opened here: of a file that is no archive numpy would leave its own handle open.
            with path.open("rb") as stream, numpy.load(stream, allow_pickle=False) as archive:
                self.arrays = {name: archive[name] for name in archive.files}
        except FileNotFoundError:
            raise InputError.at(Location(str(path), 1, 1), "no such file") from None
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError) as problem:
            raise InputError.at(Location(str(path), 1, 1), f"not a mask file: {problem}") from None

    def header(self) -> MaskHeader:
        if HEADER not in self.arrays:
            shapes = {name: array.shape for name, array in self.arrays.items()}
            if odd := [name for name, array in self.arrays.items() if array.dtype != bool]:
                raise ValueError(f"the mask of {odd[0]} is {self.arrays[odd[0]].dtype}, not boolean")
            return MaskHeader("boolean", shapes, {}, None)
        stated = json.loads(self.arrays[HEADER].tobytes())
        header = MaskHeader.from_metadata(stated if isinstance(stated, dict) else {})
        if missing := sorted(set(header.shapes) ^ (set(self.arrays) - {HEADER})):
            raise ValueError(f"{missing[0]} is in its header or in its arrays, not in both")
        for name in header.shapes:
            if self.arrays[name].dtype.itemsize != 1:
                raise ValueError(f"{name} is {self.arrays[name].dtype}, not one byte each")
        return header

    def read(self, name: str, layout: str) -> Array:
        stored: Array = self.arrays[name].reshape(-1).view("u1")
        return stored

    def between(self, name: str, layout: str, start: int, stop: int) -> Array:
        return self.read(name, layout)[start:stop]

    def size(self, name: str, layout: str) -> int:
        return int(self.arrays[name].size)
