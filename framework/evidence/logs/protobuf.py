"""The wire format of protocol buffers (protobuf.dev/programming-guides/encoding): fields by number."""

from __future__ import annotations

from typing import Any

Fields = dict[int, list[Any]]
"""Field number -> its values in order: integers, and bytes for all else."""


def fields(data: bytes) -> Fields:
    """The fields of one message.

    Raises:
        ValueError: it is none.
    """
    found: Fields = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: Any
        if kind == 0:
            value, at = _varint(data, at)
        else:
            if kind == 2:
                length, at = _varint(data, at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise ValueError(f"no message: a field of wire type {kind}")
            if at + length > len(data):
                raise ValueError("no message: a field is longer than it")
            value, at = data[at : at + length], at + length
        found.setdefault(number, []).append(value)
    return found


def single(message: Fields, number: int, missing: Any) -> Any:
    """The last value of a field that stands once, as protobuf takes it."""
    return message[number][-1] if message.get(number) else missing


def text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("no message: a number does not end")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value & (1 << 64) - 1, at
