"""Files of runs that a bundle leaves out: neither missing nor damaged, but not known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

NOT_IN_BUNDLE = "the model is not in the bundle"
_left: ContextVar[frozenset[str]] = ContextVar("left", default=frozenset())


@contextmanager
def left_out(paths: Iterable[Path]) -> Iterator[None]:
    """While the block runs, these files count as left out. Nothing that lies in a project can say so of itself."""
    before = _left.set(frozenset(os.path.abspath(path) for path in paths))
    try:
        yield
    finally:
        _left.reset(before)


def is_left_out(path: str | Path) -> bool:
    """Whether a file is one that the opened bundle leaves out."""
    known = _left.get()
    return bool(known) and os.path.abspath(path) in known
