"""Saved tensors, read without torch: names, shapes and zeros of a safetensors file."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from framework.errors import InputError
from framework.locations import Location

if TYPE_CHECKING:
    import numpy

BITS = {"F64": "<u8", "F32": "<u4", "F16": "<u2", "BF16": "<u2"}
_INTEGERS = {"BOOL": "|u1", "U8": "|u1", "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8"}
_LARGEST_HEADER = 100_000_000


def kind_of(dtype: str) -> str:
    """NumPy's type of the bits that safetensors calls ``dtype``: unsigned for floats; empty where it is not read."""
    return BITS.get(dtype) or _INTEGERS.get(dtype) or ""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file: where its bytes lie."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def elements(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return count


class Tensors(Protocol):
    """Tensors by name, wherever they lie."""

    @property
    def tensors(self) -> Mapping[str, StoredTensor]: ...

    def bits(self, name: str) -> numpy.ndarray[Any, Any]:
        """See :meth:`TensorFile.bits`."""
        ...


class FlatTensors(Tensors, Protocol):
    """Tensors that can be had piece by piece."""

    def flat(self, name: str, start: int, stop: int) -> numpy.ndarray[Any, Any]:
        """See :meth:`TensorFile.flat`."""
        ...


class TensorFile:
    """A safetensors file (the format of huggingface/safetensors: an 8-byte length, a JSON header, the bytes).

    Raises:
        InputError: the file is missing, truncated, or not safetensors.
    """

    def __init__(self, path: Path):
        self.path = path
        self.tensors, self.metadata, self.stat = _header(path)

    def bits(self, name: str) -> numpy.ndarray[Any, Any]:
        """The tensor's bits as unsigned integers (booleans and integers as themselves), in its shape, memory-mapped."""
        import numpy

        tensor = self.tensors[name]
        kind = stored_bits(self.place(name), tensor)
        if tensor.elements == 0:
            return numpy.empty(tensor.shape, dtype=kind)
        mapped: numpy.ndarray[Any, Any] = numpy.memmap(
            self.path, dtype=kind, mode="r", offset=tensor.start, shape=tensor.shape
        )
        return mapped

    def flat(self, name: str, start: int, stop: int) -> numpy.ndarray[Any, Any]:
        """The bits of the flat elements ``start`` to ``stop`` of a tensor, read and not mapped.

        Raises:
            InputError: the file became shorter, or the dtype is none that is read here.
        """
        import numpy

        tensor = self.tensors[name]
        kind = numpy.dtype(stored_bits(self.place(name), tensor))
        bits = numpy.empty(stop - start, kind)
        view = bits.view("u1").data
        with self.path.open("rb", buffering=0) as stream:
            stream.seek(tensor.start + start * kind.itemsize)
            while view:
                got = stream.readinto(view)
                if not got:
                    raise InputError.at(self.place(name), f"truncated while it was read: {name} ends early")
                view = view[got:]
        return bits

    def place(self, name: str) -> Location:
        """The file, whatever tensor of it is meant."""
        return Location(str(self.path), 1, 1)

    def is_zero(self, name: str) -> numpy.ndarray[Any, Any]:
        """A boolean array of the tensor's shape: True where the value is zero (of either sign)."""
        bits = self.bits(name)
        if self.tensors[name].dtype in BITS:
            bits = bits & ((1 << (8 * bits.dtype.itemsize - 1)) - 1)
        zero: numpy.ndarray[Any, Any] = bits == 0
        return zero

    def zeros(self, name: str) -> int:
        """How many of the tensor's values are exactly zero."""
        return int(self.is_zero(name).sum())


def stored_bits(place: Location, tensor: StoredTensor) -> str:
    """The type of a tensor's bits, as NumPy spells it.

    Raises:
        InputError: its dtype is none that is read here.
    """
    kind = kind_of(tensor.dtype)
    if not kind:
        raise InputError.at(place, f"{tensor.name} has a dtype that is not read here: {tensor.dtype}")
    return kind


def _header(path: Path) -> tuple[dict[str, StoredTensor], dict[str, str], os.stat_result]:
    where = Location(str(path), 1, 1)
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            size = found.st_size
            head = stream.read(8)
            if len(head) < 8:
                raise InputError.at(where, "truncated: not even a safetensors header")
            (length,) = struct.unpack("<Q", head)
            if length > min(size - 8, _LARGEST_HEADER):
                raise InputError.at(where, "not a safetensors file, or truncated: its header is longer than the file")
            header = json.loads(stream.read(length))
        metadata = header.pop("__metadata__", {})
        tensors = {}
        for name, facts in header.items():
            start, stop = facts["data_offsets"]
            tensors[name] = StoredTensor(
                name, facts["dtype"], tuple(facts["shape"]), 8 + length + start, 8 + length + stop
            )
            if not 0 <= start <= stop or 8 + length + stop > size:
                raise InputError.at(
                    where, f"truncated: the bytes of {name} end at {8 + length + stop}, the file at {size}"
                )
            kind = kind_of(facts["dtype"])
            if any(type(extent) is not int or extent < 0 for extent in facts["shape"]):
                raise ValueError(f"{name} has the shape {facts['shape']}")
            if kind and tensors[name].elements * int(kind[-1]) != stop - start:
                raise ValueError(f"{name} has {stop - start} bytes, which are no {facts['shape']} of {facts['dtype']}")
    except FileNotFoundError:
        raise InputError.at(where, "no such file") from None
    except OSError as problem:
        raise InputError.at(where, f"cannot be read: {problem.strerror or problem}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise InputError.at(where, f"not a safetensors file: {problem}") from None
    return tensors, metadata, found
