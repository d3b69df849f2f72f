"""Masks in safetensors: one tensor of bytes for each mask, everything else in the metadata."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from framework.evidence.mask_layout import MaskHeader
from runners.sparsity.mask_files import safetensors_header


def write(path: Path, header: MaskHeader, stored: Callable[[str], numpy.ndarray[Any, Any]]) -> None:
    """Write one mask after the other; one of them is in memory at a time."""
    text = safetensors_header(header)
    text = text.ljust(-(-len(text) // 8) * 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for name in header.shapes:
            stream.write(numpy.ascontiguousarray(stored(name)).view(numpy.uint8).data)
        if header.layout == "bitmask":
            for shape in header.shapes.values():
                stream.write(numpy.array(shape, "<i8").tobytes())
