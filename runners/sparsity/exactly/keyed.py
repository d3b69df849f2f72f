"""Scores as keys: unsigned integers that order as the scores do, had in pieces.

Exact selection reads keys and nothing else, so one engine serves every score, every float type, and weights in memory
or on disk. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy

from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.score_keys import KINDS, RANDOM, FloatKind, common_kind, magnitude_keys, random_keys

Array = numpy.ndarray[Any, Any]

READ = 32 << 20
"""Bytes that are read from a file at once."""
_AHEAD = 4096


class Keys(Protocol):
    """The keys of some tensors, in the order in which ties between them are broken.

    ``sizes`` are their numbers of elements, ``dtype`` the keys' unsigned type, and ``largest`` the largest key that
    belongs to a number.
    """

    @property
    def sizes(self) -> Mapping[str, int]: ...

    @property
    def dtype(self) -> Any: ...

    @property
    def largest(self) -> int: ...

    def read(self, name: str, start: int, stop: int) -> Array:
        """The keys of the flat elements ``start`` to ``stop``; good until the next call."""


class ArrayKeys:
    """Scores in memory.

    Args:
        bits: For each tensor the bits of its scores as unsigned integers, of any shape and contiguous.
        kind: Their float type.
        signed: Whether scores below zero may occur; without them the sign is dropped (-0.0 is 0.0, and of raw
            weights the magnitudes are compared).
    """

    def __init__(self, bits: Mapping[str, Array], kind: FloatKind, signed: bool = False):
        self._bits = {name: values.reshape(-1) for name, values in bits.items()}
        self._kind, self._signed = kind, signed
        self.sizes = {name: len(values) for name, values in self._bits.items()}
        self.dtype = numpy.dtype(kind.bits)
        self.largest = kind.infinity + (kind.sign if signed else 0)
        self._piece = numpy.empty(0, self.dtype)

    def read(self, name: str, start: int, stop: int) -> Array:
        if len(self._piece) < stop - start:
            self._piece = numpy.empty(stop - start, self.dtype)
        out = self._piece[: stop - start]
        keys = magnitude_keys(self._bits[name][start:stop], self._kind.name, self._kind, out)
        return self._with_signs(name, start, stop, keys) if self._signed else keys

    def _with_signs(self, name: str, start: int, stop: int, magnitudes: Array) -> Array:
        """Positive scores above, negative ones below 2^(width - 1), in reverse; what is not a number above all."""
        negative = (self._bits[name][start:stop] >= self._kind.sign) & (magnitudes <= self._kind.infinity)
        keys: Array = numpy.where(negative, self._kind.sign - magnitudes, self._kind.sign + magnitudes)
        return keys


class FileKeys:
    """The magnitudes of weights on disk, or random scores for them (zeros go first), read in pieces.

    Args:
        names: The tensors, in the order in which ties are broken.
        seed: Of the random score; None compares magnitudes.
        read_bytes: How much is read from disk at once.

    Raises:
        KeyError: a tensor is of no float type of 16, 32 or 64 bits.
    """

    def __init__(self, files: CheckpointFiles, names: list[str], seed: int | None = None, read_bytes: int = READ):
        self.files, self._seed = files, seed
        self.sizes = {name: files.tensors[name].elements for name in names}
        self._weights = common_kind(files.tensors[name].dtype for name in names)
        kind = self._weights if seed is None else RANDOM
        self.dtype, self.largest = numpy.dtype(kind.bits), kind.infinity
        self._buffer = numpy.empty(read_bytes, numpy.uint8)
        self._held: tuple[str, int, int] = ("", 0, 0)

    def read(self, name: str, start: int, stop: int) -> Array:
        weights = magnitude_keys(self._stored(name, start, stop), self.files.tensors[name].dtype, self._weights)
        if self._seed is None:
            return weights
        return random_keys(self._seed, name, start, stop) * (weights != 0)

    def _stored(self, name: str, start: int, stop: int) -> Array:
        """The bits as they are on disk. What a sample asks for is read alone; else the reading runs ahead."""
        bits = numpy.dtype(KINDS[self.files.tensors[name].dtype].bits)
        if (stop - start) * bits.itemsize > len(self._buffer):
            self._buffer, self._held = numpy.empty((stop - start) * bits.itemsize, numpy.uint8), ("", 0, 0)
        buffer = self._buffer[: len(self._buffer) // bits.itemsize * bits.itemsize].view(bits)
        held, first, last = self._held
        if held != name or not first <= start <= stop <= last:
            first = start
            last = stop if stop - start < _AHEAD else min(start + len(buffer), self.sizes[name])
            self.files.read(name, first, last, buffer)
            self._held = (name, first, last)
        return buffer[start - first : stop - first]


class SomeOf:
    """The keys of some of the tensors, for a selection within a layer."""

    def __init__(self, keys: Keys, names: list[str]):
        self._keys = keys
        self.sizes = {name: keys.sizes[name] for name in names}
        self.dtype, self.largest = keys.dtype, keys.largest
        self.read = keys.read
