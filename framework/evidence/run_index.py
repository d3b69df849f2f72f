"""One row per run in `runs/registry.sqlite`, for whoever wants to ask with SQL or pandas.

The records in the run folders are the truth; the registry follows them, and is made anew from them at any time.
Column types: text, but `seed` (integer), `seconds` (real); `metrics` and `sparsity` are JSON objects.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.store import Run, RunStore
from framework.locations import Location

REGISTRY = "registry.sqlite"

COLUMNS = (
    "key", "folder", "status", "error", "variant", "step", "model", "task", "seed", "profile",
    "started", "finished", "seconds", "metrics", "sparsity",
)  # fmt: skip
_OF_THE_DISK = (
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
)  # fmt: skip
"""What is no fault of the file: removing it would help nobody."""
_TYPES = {"key": "TEXT PRIMARY KEY", "seed": "INTEGER", "seconds": "REAL"}


class Registry:
    """The registry of the runs below one folder; several processes may write to it."""

    def __init__(self, root: Path):
        self.path = root / REGISTRY
        self._database: sqlite3.Connection | None = None
        self._owner = 0

    def note(self, record: RunRecord, folder: Path) -> None:
        """Put the run's row in, or in the place of the one that it had."""
        self.note_all([Run(folder, record)])

    def note_folder(self, folder: Path) -> None:
        """As :meth:`note`, for the record that lies in a run folder; without one there is nothing to note."""
        if (folder / RECORD).is_file():
            self.note(RunRecord.read(folder), folder)

    def note_all(self, runs: Iterable[Run]) -> None:
        rows = [_values(run) for run in runs]
        with self._transaction() as database:
            marks = ", ".join("?" * len(COLUMNS))
            database.executemany(f"INSERT OR REPLACE INTO runs ({', '.join(COLUMNS)}) VALUES ({marks})", rows)

    def rebuild(self, runs: Iterable[Run] | None = None) -> int:
        """Make the rows anew, in one transaction, from all records on disk or from these; how many there are. Of two
        folders that claim one run the first has its row: `framework verify` tells of both."""
        rows = [_values(run) for run in (RunStore(self.path.parent).readable() if runs is None else runs)]
        with self._transaction() as database:
            database.execute("DELETE FROM runs")
            marks = ", ".join("?" * len(COLUMNS))
            database.executemany(f"INSERT OR IGNORE INTO runs ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
        return len(rows)

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows, by folder."""
        with self._transaction() as database:
            found = database.execute(f"SELECT {', '.join(COLUMNS)} FROM runs ORDER BY folder").fetchall()
        for row in found:
            named = dict(zip(COLUMNS, row, strict=True))
            yield {**named, **{name: json.loads(named[name]) for name in ("metrics", "sparsity")}}

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        if self._database is not None and self._owner == os.getpid():
            self._database.close()
        self._database = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that takes its lock at the beginning: one that would first read and then write fails, instead
        of waiting, as soon as two processes meet."""
        try:
            database = self._open()
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
        except sqlite3.DatabaseError as problem:
            where = Location(str(self.path), 1, 1)
            if getattr(problem, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK:
                raise InputError.at(where, f"cannot be written: {problem}") from None
            advice = "it holds nothing that the run folders do not: remove it, and it is made anew"
            raise InputError.at(where, f"not usable: {problem}", advice) from None

    def _open(self) -> sqlite3.Connection:
        """The connection, open since the last use: closing it makes the disk take everything at once. A forked child
        has its own."""
        if self._database is None or self._owner != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database, self._owner = sqlite3.connect(self.path, timeout=60, isolation_level=None), os.getpid()
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")  # whole after a crash; the records have what is lost
            columns = ", ".join(f"{name} {_TYPES.get(name, 'TEXT')}" for name in COLUMNS)
            self._database.execute(f"CREATE TABLE IF NOT EXISTS runs ({columns})")
        return self._database


def row_of(record: RunRecord, folder: Path) -> dict[str, Any]:
    """A run's row by the columns' names, metrics and sparsity as mappings."""
    own = (
        record.key, folder.name, record.status, record.error, record.variants[0], record.step, record.model,
        record.task, record.seed, record.profile, record.started, record.finished, record.seconds, record.metrics,
        {name: record.sparsity[name] for name in ("zeros", "elements") if name in record.sparsity},
    )  # fmt: skip
    return dict(zip(COLUMNS, own, strict=True))


def _values(run: Run) -> tuple[Any, ...]:
    row = row_of(run.record, run.folder)
    return tuple(json.dumps(value) if isinstance(value, dict) else value for value in row.values())
