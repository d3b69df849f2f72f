"""The lines of `steps.jsonl` and `events.jsonl` while they grow.

The last line is held back, since a callback may tell more of its step. The file is never truncated but when a training
goes back to an earlier step.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from framework.evidence.atomic import write_text
from framework.evidence.record import read_lines
from framework.recording.device_values import read


class StepLines:
    """A JSON-lines file whose last line can still be added to."""

    def __init__(self, path: Path, seen: Callable[[dict[str, Any]], None] = lambda line: None):
        """``seen`` is told each line when its numbers are known, just before it is written."""
        self.path = path
        self._seen = seen
        self._lines: list[dict[str, Any]] = []
        self._stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._owner = os.getpid()

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Append lines, which may hold numbers that lie on an accelerator; they are not written yet."""
        self._lines += lines

    def add_to_last(self, values: Mapping[str, Any]) -> None:
        """Put values into the last line, if it is not written yet."""
        if self._lines:
            self._lines[-1] |= values

    def write(self, but_the_last: bool = False) -> None:
        """Write the lines; a forked child writes none of its parent's."""
        kept = self._lines[-1:] if but_the_last else []
        lines, self._lines = self._lines[: len(self._lines) - len(kept)], kept
        if not lines or os.getpid() != self._owner:
            return
        _fetch(lines)
        for line in lines:
            self._seen(line)
        data = "".join([_encoded(line) + "\n" for line in lines]).encode()
        while data:
            data = data[os.write(self._stream, data) :]

    def take_back(self, step: int) -> None:
        """Leave out the lines of later steps, which are done again."""
        self.write()
        kept = [line for line in read_lines(self.path) if line.get("step", 0) <= step]
        self._replace(kept)

    def begin_with(self, lines: list[dict[str, Any]]) -> None:
        """Put the lines of an earlier attempt first."""
        self.write()
        for line in lines:
            self._seen(line)
        self._replace([*lines, *read_lines(self.path)])

    def close(self) -> None:
        self.write()
        if os.getpid() == self._owner:
            os.fsync(self._stream)
        os.close(self._stream)

    def _replace(self, lines: list[dict[str, Any]]) -> None:
        write_text(self.path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
        os.close(self._stream)
        self._stream = os.open(self.path, os.O_WRONLY | os.O_APPEND)


_PLAIN = {float, int, str, type(None)}
_ENCODED = json.JSONEncoder(allow_nan=False).encode


def _encoded(line: dict[str, Any]) -> str:
    """A line as JSON; numbers that JSON has no word for are named in `not_finite`."""
    try:
        return _ENCODED(line)
    except ValueError:
        odd = {name: value for name, value in line.items() if isinstance(value, float) and not math.isfinite(value)}
        for name in odd:
            del line[name]
        line["not_finite"] = {name: str(value) for name, value in odd.items()}
        return _ENCODED(line)


def _fetch(lines: list[dict[str, Any]]) -> None:
    """Replace what lies on an accelerator by numbers."""
    places: list[tuple[Any, Any]] = []
    for line in lines:
        for name, value in line.items():
            if type(value) is list:
                if set(map(type, value)) - _PLAIN:
                    places += [(value, index) for index, each in enumerate(value) if hasattr(each, "device")]
            elif type(value) not in _PLAIN and hasattr(value, "device"):
                places.append((line, name))
    for (holder, name), number in zip(places, read([holder[name] for holder, name in places]), strict=True):
        holder[name] = number
    for line in lines:
        if "overflow" in line and line.pop("overflow") > 0:
            line["skipped"] = 1
