"""A checkpoint as it lies on disk: one safetensors file, or a folder of them with an index, read piece by piece."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.forms.weights import weights_of
from framework.evidence.record import MODEL
from framework.evidence.tensors import StoredTensor, TensorFile, stored_bits
from framework.locations import Location

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class CheckpointFiles:
    """The tensors of a safetensors file, of a checkpoint folder (`model.safetensors`, or the shards that
    `model.safetensors.index.json` names), or of a run folder's `model/`.

    Weights that lie in a form (behind a bitmask, pruned by torch, expert by expert) are there by the names and in the
    shapes that the model has for them; ``kinds`` counts those.

    Args:
        path: The file or the folder.

    Raises:
        InputError: there is none, a shard is missing or lacks a tensor that the index places in it, a name occurs
            twice, or a form is broken.
    """

    def __init__(self, path: Path):
        self.path = path
        self.folder = _folder(path)
        self.files = [TensorFile(file) for file in _files(path, self.folder)]
        self._of: dict[str, TensorFile] = {}
        for file in self.files:
            for name in file.tensors:
                if name in self._of:
                    raise InputError.at(Location(str(file.path), 1, 1), f"{name} is in {self._of[name].path} too")
                self._of[name] = file
        self._open: dict[Path, int] = {}
        self.weights = weights_of(_Pieces(self), self.config)
        self.tensors: Mapping[str, StoredTensor] = self.weights.tensors

    @property
    def kinds(self) -> Mapping[str, int]:
        """How many weights lie in which form; none where all are plain."""
        return self.weights.kinds

    def place(self, name: str) -> Location:
        """The file that a tensor, or the first of its parts, lies in."""
        return self.weights.place(name)

    def bits(self, name: str) -> Array:
        """All bits of one tensor; memory-mapped where it is plain, see :meth:`TensorFile.bits`."""
        return self._of[name].bits(name) if name in self._of else self.weights.bits(name)

    def flat(self, name: str, start: int, stop: int) -> Array:
        """The bits of the flat elements ``start`` to ``stop`` of a tensor; see :meth:`TensorFile.flat`."""
        return self.weights.flat(name, start, stop)

    def read(self, name: str, start: int, stop: int, into: Array) -> None:
        """Copy the flat elements ``start`` to ``stop`` of a tensor into an array of its bits' type. What is read takes
        no memory of this process but the array, and of a form a small multiple of it.

        Raises:
            InputError: the file became shorter, or the form is broken.
        """
        if name not in self._of:
            into[: stop - start] = self.weights.flat(name, start, stop)
            return
        file = self._of[name]
        tensor = file.tensors[name]
        handle = self._open.get(file.path)
        if handle is None:
            handle = self._open[file.path] = os.open(file.path, os.O_RDONLY)
        size = into.dtype.itemsize
        view, offset = into[: stop - start].view("u1").data, tensor.start + start * size
        while view:
            got = os.preadv(handle, [view], offset)
            if got == 0:
                raise InputError.at(Location(str(file.path), 1, 1), f"truncated while it was read: {name} ends early")
            view, offset = view[got:], offset + got

    def config(self) -> dict[str, Any]:
        """The `config.json` beside the tensors; empty without one."""
        path = self.folder / "config.json"
        try:
            found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        except ValueError as problem:
            raise InputError.at(Location(str(path), 1, 1), f"not JSON: {problem}") from None
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        for handle in self._open.values():
            os.close(handle)
        self._open.clear()


class _Pieces:
    """The tensors of the files as they are stored, read in pieces."""

    def __init__(self, files: CheckpointFiles):
        self._files = files
        self.tensors = {name: files._of[name].tensors[name] for name in sorted(files._of)}

    def flat(self, name: str, start: int, stop: int) -> Array:
        import numpy

        bits = numpy.empty(stop - start, stored_bits(self.place(name), self.tensors[name]))
        self._files.read(name, start, stop, bits)
        return bits

    def place(self, name: str) -> Location:
        return Location(str(self._files._of[name].path), 1, 1)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        return path.parent
    inner = path / MODEL
    return inner if not _holds(path) and inner.is_dir() else path


def _holds(folder: Path) -> bool:
    return (folder / SINGLE).is_file() or (folder / INDEX).is_file()


def _files(path: Path, folder: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    index = folder / INDEX
    where = Location(str(index), 1, 1)
    if not index.is_file():
        raise InputError.at(Location(str(path), 1, 1), f"no checkpoint here: neither {SINGLE} nor {INDEX}")
    try:
        placed = dict(json.loads(index.read_text("utf-8"))["weight_map"])
        shards = sorted({str(shard) for shard in placed.values()})
    except (ValueError, KeyError, TypeError) as problem:
        raise InputError.at(where, f"not an index of shards: {problem}") from None
    for shard in shards:
        if Path(shard).name != shard:
            raise InputError.at(where, f"a shard outside of the folder: {shard}")
    held = {shard: TensorFile(folder / shard).tensors for shard in shards}
    for name, shard in placed.items():
        if name not in held[shard]:
            raise InputError.at(where, f"{shard} lacks {name}, which the index places in it")
    return [folder / shard for shard in shards]
