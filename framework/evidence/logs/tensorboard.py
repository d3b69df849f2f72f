"""TensorBoard's event files, read without tensorboard: records framed as in TFRecord, each a protocol buffer.

Importing tensorboard takes seconds and pulls in a server; what is needed of its format is a length, two checksums and
a handful of fields (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto and summary.proto).
Scalars are 32-bit floats: a learning rate is read to about 7 digits.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.crc32c import masked_crc32c
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.evidence.logs.protobuf import Fields, fields, single, text
from framework.locations import Location

_LARGEST = 1 << 16
"""Bytes above which a record is no scalar and no arguments (a graph, an image, a histogram), and is passed over."""
_DT_FLOAT, _DT_DOUBLE, _DT_STRING = 1, 2, 7
_ARGUMENTS = "args/text_summary"
"""Where transformers' Trainer writes its own arguments, as JSON."""


def read(files: Sequence[Path], reading: Reading) -> Log:
    """The log of all event files of a training, those of a restart after those before it.

    Raises:
        InputError: a record's checksum is wrong; one that a kill cut off at the end is left out.
    """
    rows: list[tuple[Location, dict[str, Any]]] = []
    settings: dict[str, Any] | None = None
    for file in files:
        where = Location(str(file), 1, 1)
        for event in _events(file):
            step = _signed(single(event, 2, 0))
            for value in _values(event):
                tag = text(single(value, 1, b""))
                scalar = _scalar(value)
                if scalar is not None:
                    rows.append((where, {"step": step, tag: scalar}))
                elif tag == _ARGUMENTS:
                    settings = _arguments(value) or settings
    log = log_of("TensorBoard events", rows, reading)
    log.settings = settings
    return log


def _events(file: Path) -> Iterator[Fields]:
    data = file.read_bytes()
    at = 0
    while at + 12 <= len(data):
        head = data[at : at + 8]
        (length,), (check,) = struct.unpack("<Q", head), struct.unpack_from("<I", data, at + 8)
        if masked_crc32c(head) != check:
            raise InputError.at(Location(str(file), 1, 1), f"the checksum of the record at byte {at} is wrong")
        body = data[at + 12 : at + 12 + length]
        if at + 16 + length > len(data):
            return
        if length <= _LARGEST:
            if masked_crc32c(body) != struct.unpack_from("<I", data, at + 12 + length)[0]:
                raise InputError.at(Location(str(file), 1, 1), f"the checksum of the record at byte {at} is wrong")
            try:
                yield fields(body)
            except ValueError as problem:
                raise InputError.at(Location(str(file), 1, 1), f"the record at byte {at}: {problem}") from None
        at += 16 + length


def _values(event: Fields) -> Iterator[Fields]:
    """The entries of an event's summary."""
    for summary in event.get(5, ()):
        for value in fields(summary).get(1, ()):
            yield fields(value)


def _scalar(value: Fields) -> float | None:
    """A `simple_value`, or a tensor that holds one number."""
    if 2 in value:
        return float(struct.unpack("<f", value[2][-1])[0])
    tensor = fields(single(value, 8, b""))
    kind, content = single(tensor, 1, 0), single(tensor, 4, b"")
    for dtype, field, form in ((_DT_FLOAT, 5, "<f"), (_DT_DOUBLE, 6, "<d")):
        if kind == dtype:
            data = content or single(tensor, field, b"")
            return float(struct.unpack(form, data)[0]) if len(data) == struct.calcsize(form) else None
    return None


def _arguments(value: Fields) -> dict[str, Any] | None:
    """The Trainer's arguments; None where the text is something else."""
    tensor = fields(single(value, 8, b""))
    if single(tensor, 1, 0) != _DT_STRING:
        return None
    try:
        found = json.loads(single(tensor, 8, b""))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _signed(value: int) -> int:
    """A step, which is a signed number of 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


FORMAT = Format("TensorBoard events", lambda path: "tfevents" in path.name, read, joined=True)
