"""Writing mask files: streamed bit by bit into safetensors, or from masks that are there into any container.

The format is :mod:`framework.evidence.mask_layout`'s. The suffix chooses the container: `.safetensors` (streamed, in
bounded memory), `.npz`, or `.pt`. Nothing here imports torch unless a `.pt` file is asked for.
"""

from __future__ import annotations

import json
import math
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from framework.errors import UsageError
from framework.evidence.mask_layout import LAYOUTS, MaskHeader, digest, ones, stored_name, stored_shape
from framework.evidence.masks import MaskFile
from runners.registry import Registry
from runners.sparsity.exactly.packing import bits_by_byte

Array = numpy.ndarray[Any, Any]
Shapes = Mapping[str, tuple[int, ...]]
Write = Callable[[Path, MaskHeader, Callable[[str], Array]], None]
"""Writes a file, given its header and the stored bytes of each mask in their stored shape."""

CONTAINERS: Registry[Write] = Registry(
    "container of masks",
    "framework.mask_containers",
    {
        ".npz": "runners.sparsity.containers.numpy_archive:write",
        ".pt": "runners.sparsity.containers.pytorch:write",
        ".safetensors": "runners.sparsity.containers.safetensors:write",
    },
)
_PIECE = 1 << 23


def write_mask_file(
    path: Path, shapes: Shapes, facts: Mapping[str, Any], packed: Callable[[str], Array], layout: str = "packed"
) -> str:
    """Write masks, whole or not at all; the file's SHA-256 (see :func:`digest`).

    Args:
        packed: The packed bits of a mask, by name.

    Raises:
        UsageError: no container has this suffix, or no layout this name, or the layout cannot hold a mask.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"no layout is called {layout!r}: {', '.join(LAYOUTS)}")
    if layout == "bitmask" and (flat := [name for name, shape in shapes.items() if len(shape) < 2]):
        raise UsageError(f"the bitmask layout holds matrices, and {flat[0]} has the shape {shapes[flat[0]]}")
    write = CONTAINERS.get(path.suffix)
    ordered = dict(sorted(shapes.items()))
    sha256 = digest(facts, ordered, lambda name: [packed(name)])
    header = MaskHeader(layout, ordered, dict(facts), sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    try:
        write(Path(temporary), header, lambda name: as_stored(packed(name), ordered[name], layout))
        _put(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return sha256


def open_masks(path: Path) -> MaskFile:
    """A mask file of any container.

    Raises:
        InputError: it is damaged, or none; see :class:`MaskFile`.
    """
    if path.suffix == ".pt":
        from runners.sparsity.containers.pytorch import Pickled

        return MaskFile(path, Pickled(path))
    return MaskFile(path)


def as_stored(packed: Array, shape: tuple[int, ...], layout: str) -> Array:
    """A mask's bytes as a layout stores them, in their stored shape."""
    if layout == "packed":
        return packed
    flat = numpy.unpackbits(packed, count=math.prod(shape), bitorder="little").reshape(shape)
    return flat.view(bool) if layout == "boolean" else numpy.packbits(flat, axis=-1, bitorder="little")


class StreamedMasks:
    """A packed safetensors file that is filled piece by piece, in any order, and appears when it is finished.

    Args:
        facts: As they will be at the end, or no longer; :meth:`finish` has the last word.
    """

    def __init__(self, path: Path, shapes: Shapes, facts: Mapping[str, Any]):
        self.path, self.shapes = path, dict(sorted(shapes.items()))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle, self._temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._room = len(safetensors_header(MaskHeader("packed", self.shapes, facts, "0" * 64))) + 1024 & ~7
        self._sizes = {name: stored_shape(shape, "packed")[0] for name, shape in self.shapes.items()}
        self._starts, at = {}, 8 + self._room
        for name, size in self._sizes.items():
            self._starts[name], at = at, at + size
        os.ftruncate(self._handle, at)

    def write(self, name: str, start: int, bits: Array) -> None:
        os.pwrite(self._handle, bits.data, self._starts[name] + start // 8)

    def keep(self, name: str, elements: Array) -> None:
        """Set single bits, reading and writing back the pieces of the file that they lie in."""
        places, values = bits_by_byte(elements)
        for first in range(int(places[0]), int(places[-1]) + 1, _PIECE):
            low, high = numpy.searchsorted(places, [first, first + _PIECE])
            if high == low:
                continue
            begin, end = int(places[low]), int(places[high - 1]) + 1
            piece = numpy.frombuffer(bytearray(os.pread(self._handle, end - begin, self._starts[name] + begin)), "u1")
            piece[places[low:high] - begin] |= values[low:high]
            os.pwrite(self._handle, piece.data, self._starts[name] + begin)

    def kept(self, name: str) -> int:
        """How many weights of a tensor are kept, by what has been written so far."""
        return sum(ones(piece) for piece in self._pieces(name))

    def finish(self, facts: Mapping[str, Any]) -> str:
        """Write the header, and put the file in its place; its SHA-256."""
        sha256 = digest(facts, self.shapes, self._pieces)
        text = safetensors_header(MaskHeader("packed", self.shapes, facts, sha256))
        if len(text) > self._room:
            raise ValueError(f"the facts grew by more than there is room for: {len(text)} bytes, not {self._room}")
        os.pwrite(self._handle, struct.pack("<Q", self._room) + text.ljust(self._room), 0)
        os.close(self._handle)
        _put(Path(self._temporary), self.path)
        return sha256

    def discard(self) -> None:
        """Leave nothing."""
        if os.path.exists(self._temporary):
            os.close(self._handle)
            os.unlink(self._temporary)

    def _pieces(self, name: str) -> Iterator[Array]:
        for start in range(0, self._sizes[name], _PIECE):
            size = min(_PIECE, self._sizes[name] - start)
            yield numpy.frombuffer(os.pread(self._handle, size, self._starts[name] + start), "u1")


class StreamedLevels:
    """One streamed file for each level, as a sink of :func:`runners.sparsity.exactly.top_k.write_masks`."""

    def __init__(self, files: Sequence[StreamedMasks]):
        self.files = list(files)

    def write(self, level: int, name: str, start: int, bits: Array) -> None:
        self.files[level].write(name, start, bits)

    def keep(self, level: int, name: str, elements: Array) -> None:
        self.files[level].keep(name, elements)


def safetensors_header(header: MaskHeader) -> bytes:
    """The JSON of a safetensors header with the masks in the order of their names."""
    kind = "BOOL" if header.layout == "boolean" else "U8"
    entries: dict[str, Any] = {"__metadata__": header.as_metadata()}
    at = 0
    for name, shape in header.shapes.items():
        stored = stored_shape(shape, header.layout)
        entries[stored_name(name, header.layout)] = {
            "dtype": kind,
            "shape": list(stored),
            "data_offsets": [at, at := at + math.prod(stored)],
        }
    if header.layout == "bitmask":
        for name, shape in header.shapes.items():
            offsets = [at, at := at + 8 * len(shape)]
            entries[f"{name}.shape"] = {"dtype": "I64", "shape": [len(shape)], "data_offsets": offsets}
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()


def _put(temporary: Path, path: Path) -> None:
    """Flush a finished file and give it its name."""
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(temporary, 0o666 & ~mask)
    os.replace(temporary, path)
