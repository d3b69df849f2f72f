"""Safetensors files written whole or not at all, and as the same bytes each time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Replace ``path`` by a safetensors file of the tensors, made contiguous and on the CPU."""
    temporary = path.with_name(f".{path.name}.partial")
    save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, temporary, metadata=dict(metadata))
    with temporary.open("r+b") as stream:
        _in_order(stream.fileno())
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def _in_order(file: int) -> None:
    """Sort the keys of the metadata: the library writes them in an order that changes from process to process."""
    size = int.from_bytes(os.pread(file, 8, 0), "little")
    header = json.loads(os.pread(file, size, 8))
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) <= size:  # only ever longer if the library spelled its JSON otherwise
        os.pwrite(file, text.ljust(size), 8)
