"""What a command prints, and once more as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, TextIO


@contextmanager
def repeated() -> Iterator[StringIO]:
    """While the block runs, what is written to the standard output goes there, and here."""
    before, copy = sys.stdout, StringIO()
    sys.stdout = _Both(before, copy)
    try:
        yield copy
    finally:
        sys.stdout = before


class _Both:
    def __init__(self, stream: TextIO, copy: StringIO):
        self._stream, self._copy = stream, copy

    def write(self, text: str) -> int:
        self._copy.write(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
