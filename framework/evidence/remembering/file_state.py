"""What tells a file from another one, and from itself after a change, without reading it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

_SETTLED = 2_100_000_000
"""How old, in nanoseconds, a file's last change must be for its time to tell it from a later one, also where the file
system counts in seconds."""


class FileState(NamedTuple):
    """Size in bytes, inode, times of the last change of the content and of the entry in nanoseconds, and device.

    The time of the entry is the system's own: no program sets it back, as it may the other one.
    """

    size: int
    inode: int
    modified: int
    changed: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileState:
        return cls(found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_dev)

    @classmethod
    def at(cls, path: Path) -> FileState:
        """That of the file which lies there now.

        Raises:
            OSError: there is none.
        """
        return cls.of(path.stat())

    @property
    def settled(self) -> bool:
        """Whether any change from now on would show in the times."""
        return time.time_ns() - max(self.modified, self.changed) > _SETTLED


def state_of(path: Path) -> list[int]:
    """The state of a file as it is remembered."""
    return list(FileState.at(path))
