"""Locks that a process holds for as long as it works on something; the system releases them when the process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framework.errors import FrameworkError

LOCKS = ".locks"
"""The folder of the locks, below that of the runs: one file for each run folder's name."""


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file for as long as the block runs; the system releases it when the process ends.

    Raises:
        FrameworkError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FrameworkError(f"{what} is being executed by another process at this moment") from None
        yield


def is_held(path: Path) -> bool | None:
    """Whether a process holds a lock file; None where that cannot be told: there is none, or its disk has no locks."""
    try:
        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False
    except OSError:
        return None
