"""The shards of a checkpoint as one safetensors file: bytes are copied, whatever their dtype."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

from framework.errors import InputError
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile
from framework.locations import Location

_PIECE = 1 << 22


def join(index: Path, target: Path) -> None:
    """Write what the shards of an index hold, in the index's folder, to one file.

    Args:
        index: A `model.safetensors.index.json`, whose `weight_map` names the shard of each tensor.

    Raises:
        InputError: it names none, a shard is missing or damaged, or lacks a tensor that the index places in it.
    """
    where = Location(str(index), 1, 1)
    placed = read_json(index).get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise InputError.at(where, "no index of shards: it has no `weight_map`")
    shards: dict[str, TensorFile] = {}
    for name in sorted(set(map(str, placed.values()))):
        if Path(name).name != name:
            raise InputError.at(where, f"it names {name!r}, which is not a file of this folder")
        shards[name] = TensorFile(index.parent / name)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    pieces: list[tuple[Path, int, int]] = []
    at = 0
    for tensor, name in sorted(placed.items()):
        shard = shards[str(name)]
        if tensor not in shard.tensors:
            raise InputError.at(Location(str(shard.path), 1, 1), f"it lacks {tensor}, which the index places in it")
        found = shard.tensors[tensor]
        size = found.stop - found.start
        header[tensor] = {"dtype": found.dtype, "shape": list(found.shape), "data_offsets": [at, at + size]}
        pieces.append((shard.path, found.start, found.stop))
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the bytes of tensors begin at a multiple of 8
    with target.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for path, start, stop in pieces:
            with path.open("rb") as stream:
                stream.seek(start)
                while start < stop:
                    piece = stream.read(min(_PIECE, stop - start))
                    if not piece:
                        raise InputError.at(Location(str(path), 1, 1), "it became shorter while it was read")
                    out.write(piece)
                    start += len(piece)
        out.flush()
        os.fsync(out.fileno())
