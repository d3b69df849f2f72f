"""Who executes a run at this moment: the lock files beside the run folders, asked without taking them.

A lock is held by a process and goes with it, however it ends; what its file says names the process for people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

LOCKS = ".locks"
"""The folder below the runs."""


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


def holder_of(folder: Path) -> Holder | None:
    """Who executes the run of a folder, or None. A host that this one shares no locks with is not seen."""
    for path in (lock_of(folder), lock_of_command(folder)):
        if _is_held(path):
            return last_holder(path)
    return None


def last_holder(path: Path) -> Holder:
    """Who took a lock last."""
    try:
        said = json.loads(path.read_bytes())
        return Holder(int(said["process"]), str(said["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


def _is_held(path: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # a system without these locks executes nothing either
        return False
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
