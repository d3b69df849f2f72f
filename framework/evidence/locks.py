"""Locks that a process holds for as long as it works on something, and who holds those of a run at this moment.

A lock goes with its process, however that ends; what its file says names the process for people.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from framework.errors import FrameworkError

LOCKS = ".locks"
"""The folder of the locks, below that of the runs: one file for each run folder's name."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, as far as its lock file names it."""

    process: int | None = None
    host: str | None = None

    def __str__(self) -> str:
        named = "another process" if self.process is None else f"process {self.process}"
        return f"{named} on {self.host}" if self.host else named


def lock_of(folder: Path) -> Path:
    """The lock of whoever executes a run."""
    return folder.parent / LOCKS / folder.name


def lock_of_command(folder: Path) -> Path:
    """The lock that a run's own command inherits, and holds also where what started it is gone."""
    return folder.parent / LOCKS / f"{folder.name}.command"


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file for as long as the block runs; the system releases it when the process ends.

    Raises:
        FrameworkError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        if not _taken(stream):
            raise FrameworkError(f"{what} is running: it is being executed by {last_holder(path)} at this moment")
        stream.truncate(0)
        stream.write(json.dumps({"process": os.getpid(), "host": this_host()}) + "\n")
        stream.flush()
        yield


def is_held(path: Path) -> bool | None:
    """Whether a process holds a lock file, asked without keeping it; None where that cannot be told: there is none, or
    its disk or this system has no such locks. A host that this one shares no locks with is not seen."""
    try:
        import fcntl

        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False
    except (ImportError, OSError):
        return None


def holder_of(folder: Path) -> Holder | None:
    """Who executes the run of a folder at this moment, as far as :func:`is_held` can tell."""
    return next((last_holder(path) for path in (lock_of(folder), lock_of_command(folder)) if is_held(path)), None)


def last_holder(path: Path) -> Holder:
    """Who took a lock last."""
    try:
        said = json.loads(path.read_bytes())
        return Holder(int(said["process"]), str(said["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


def this_host() -> str:
    """The name of this machine."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _taken(stream: TextIO) -> bool:
    """Whether the lock could be taken: who looks whether it is held has it for a moment, so it is tried again."""
    import fcntl

    for wait in (0.0, 0.02, 0.05, 0.1):
        time.sleep(wait)
        with suppress(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
