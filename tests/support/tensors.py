"""safetensors files, written by hand and without torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy


def save_tensors(
    path: Path, tensors: Mapping[str, tuple[str, tuple[int, ...], bytes]], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write a safetensors file of (dtype, shape, bytes), in the format's own words: a length, JSON, the bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def stored(values: Any, dtype: str = "F32") -> tuple[str, tuple[int, ...], bytes]:
    """An array as a safetensors entry."""
    array = numpy.asarray(values)
    if dtype == "BF16":
        bits = (array.astype("<f4").view("<u4") >> 16).astype("<u2")
        return dtype, array.shape, bits.tobytes()
    kinds = {
        "F64": "<f8",
        "F32": "<f4",
        "F16": "<f2",
        "BOOL": "|b1",
        "U8": "|u1",
        "I8": "|i1",
        "I32": "<i4",
        "I64": "<i8",
    }
    return dtype, array.shape, array.astype(kinds[dtype]).tobytes()
