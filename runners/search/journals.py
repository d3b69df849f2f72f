"""Optuna's journal storage on locks that a kill releases, and on lines that a kill cannot spoil.

Optuna's own locks (optuna 5.0.0, `storages/journal/_file.py`) are links that outlive their process for 30 seconds, and
its backend appends to whatever a kill left: a line that was cut short joins the next one, and the study cannot be read
any more (`findings/optuna_journal_cut_short.sh`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

UNSTORED = -1
"""The id of a trial that is being drawn, and is not in the storage yet."""


class _Lock(JournalFileOpenLock):
    """An advisory lock of the system on a file beside the journal; what a killed writer left of a line is removed."""

    def __init__(self, journal: Path):
        super().__init__(str(journal))
        self._journal = journal
        self._stream = journal.with_suffix(".lock").open("a")

    def acquire(self) -> bool:
        fcntl.flock(self._stream, fcntl.LOCK_EX)
        without_half_a_line(self._journal)
        return True

    def release(self) -> None:
        fcntl.flock(self._stream, fcntl.LOCK_UN)

    def close(self) -> None:
        self._stream.close()


def without_half_a_line(path: Path) -> None:
    """Cut a file of lines after its last whole one."""
    with path.open("rb+") as stream:
        end = stream.seek(0, os.SEEK_END)
        if end == 0:
            return
        stream.seek(end - 1)
        if stream.read(1) == b"\n":
            return
        stream.seek(max(0, end - (1 << 20)))
        tail = stream.read()
        stream.truncate(end - len(tail) + tail.rfind(b"\n") + 1)


class Journal(JournalStorage):
    """The storage of one study."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        without_half_a_line(path)
        self._lock_of_file = _Lock(path)
        super().__init__(JournalFileBackend(str(path), self._lock_of_file))

    def close(self) -> None:
        """No more is read or written."""
        self._lock_of_file.close()

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """A sampler's notes about a trial that is being drawn are not kept: its values will be, all at once."""
        if trial_id != UNSTORED:
            super().set_trial_system_attr(trial_id, key, value)


class Owners:
    """Which trials somebody works on: a byte of a file each, locked for as long as the process lives."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a+b")
        self._own: set[int] = set()

    def take(self, number: int) -> bool:
        """Whether the trial is ours now; False where another process, or this one, works on it."""
        if number in self._own:
            return False
        try:
            fcntl.lockf(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        self._own.add(number)
        return True

    def leave(self, number: int) -> None:
        """Work on it is over."""
        self._own.discard(number)
        fcntl.lockf(self._stream, fcntl.LOCK_UN, 1, number)

    def close(self) -> None:
        """Leave all."""
        self._own.clear()
        self._stream.close()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process looks at what is tried, and what is to be tried next."""
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
