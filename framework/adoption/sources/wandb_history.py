"""The binary `.wandb` file of a run, which holds an offline run's settings, history and surroundings.

Its frame is LevelDB's log (blocks of 32 KiB; a header of checksum, length and kind before each piece), behind 7 bytes
of its own, with plain CRC-32 over kind and piece; its records are messages of wandb_internal.proto, read here by the
numbers that wandb 0.31 gives their fields. Values are JSON text.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.protobuf import Fields, fields, single, text
from framework.locations import Location

_BLOCK, _START, _HEADER = 32_768, 7, struct.Struct("<IHB")
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT, _ENVIRONMENT = 2, 3, 5, 17, 18, 26
_CALLED = {"project": 3, "group": 6, "job_type": 7, "run": 8}
"""The fields of a run's record that say what it is called."""
_LARGEST = 1 << 26


@dataclass(slots=True)
class Kept:
    """What the file keeps of a run: rows of its history with their `step`, the last value of each summary, settings."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    """`python` and `gpu`, where they stand in it."""
    names: dict[str, str] = field(default_factory=dict)
    """`project`, `group`, `job_type` and the `run`'s own name."""
    exit_code: int | None = None
    """None for a run that did not come to an end."""


def kept_in(file: Path) -> Kept:
    """What a file keeps; one that a kill cut off, up to there.

    Raises:
        InputError: it is no such file, or is damaged.
    """
    found = Kept()
    for body in _records(file):
        try:
            _take(fields(body), found)
        except (ValueError, TypeError, RecursionError, AttributeError) as problem:
            raise InputError.at(Location(str(file), 1, 1), f"a record of it cannot be read: {problem}") from None
    return found


def _take(record: Fields, found: Kept) -> None:
    for body in record.get(_HISTORY, ()):
        message = fields(body)
        row = _items(message.get(1, ()))
        step = single(fields(single(message, 2, b"")), 1, row.get("_step"))
        if row:
            found.rows.append(({"step": step} if step is not None else {}) | row)
    for body in record.get(_SUMMARY, ()):
        found.summary |= _items(fields(body).get(1, ()))
    for body in record.get(_CONFIG, ()):
        found.config |= _items(fields(body).get(1, ()))
    for body in record.get(_RUN, ()):
        run = fields(body)
        for config in run.get(4, ()):
            found.config |= _items(fields(config).get(1, ()))
        said = {name: single(run, number, b"") for name, number in _CALLED.items()}
        found.names |= {name: text(value) for name, value in said.items() if isinstance(value, bytes) and value}
    for body in record.get(_EXIT, ()):
        code = single(fields(body), 1, 0)
        found.exit_code = code - (1 << 64 if code >> 63 else 0) if isinstance(code, int) else None
    for body in record.get(_ENVIRONMENT, ()):
        message = fields(body)
        for name, number in (("python", 2), ("gpu", 22)):
            if (value := single(message, number, b"")) and isinstance(value, bytes):
                found.environment[name] = text(value)


def _items(bodies: Any) -> dict[str, Any]:
    """The named values of a message; a nested one by the parts of its name with slashes between."""
    found: dict[str, Any] = {}
    for body in bodies:
        item = fields(body)
        names = [text(part) for part in item.get(2, ())] or [text(single(item, 1, b""))]
        value = json.loads(text(single(item, 16, b"null")))
        found["/".join(names)] = value
    return found


def _records(file: Path) -> Iterator[bytes]:
    where = Location(str(file), 1, 1)
    data = file.read_bytes()
    if data[:4] != b":W&B":
        raise InputError.at(where, "no run of Weights & Biases: it does not begin with `:W&B`")
    at, size = _START, 0
    parts: list[bytes] = []
    while at + _HEADER.size <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _HEADER.size:
            at += left
            continue
        check, length, kind = _HEADER.unpack_from(data, at)
        body = data[at + _HEADER.size : at + _HEADER.size + length]
        if len(body) < length or (kind, length) == (0, 0):
            return
        if zlib.crc32(body, zlib.crc32(bytes([kind]))) != check or kind not in (_WHOLE, _FIRST, _MIDDLE, _LAST):
            raise InputError.at(where, f"the checksum of the piece at byte {at} is wrong")
        at += _HEADER.size + length
        parts, size = ([], 0) if kind in (_WHOLE, _FIRST) else (parts, size)
        size += length
        if size > _LARGEST:
            raise InputError.at(where, f"a record of more than {_LARGEST} bytes")
        parts.append(body)
        if kind in (_WHOLE, _LAST):
            yield b"".join(parts)
