"""SQLite files of other programs: read without a lock, and without a byte written to them or beside them."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from framework.errors import InputError
from framework.locations import Location

_MAGIC = b"SQLite format 3\x00"
_PENDING = ("-wal", "-journal")
"""Files beside a database with what is not in it yet, or what is to be taken back."""

Tables = Mapping[str, frozenset[str]]
"""The names of the columns of each table."""


def is_database(path: Path) -> bool:
    """Whether a file begins as every SQLite file does."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a database as it lies there. `immutable` takes no lock and looks at no other file
    (sqlite.org/uri.html); where changes are pending beside the file, a copy of both is read, and they are put in there.

    Raises:
        InputError: it is damaged, or was changed while it was read.
    """
    where, before = Location(str(path), 1, 1), _state(path)
    pending = [beside for name in _PENDING if (beside := Path(f"{path}{name}")).is_file() and beside.stat().st_size]
    with tempfile.TemporaryDirectory(prefix="framework-") as folder:
        uri = f"{path.resolve().as_uri()}?immutable=1"
        if pending:
            for file in (path, *pending):
                shutil.copyfile(file, Path(folder) / file.name)
            uri = (Path(folder) / path.name).as_uri()
        try:
            database = sqlite3.connect(uri, uri=True)
            try:
                yield database
            finally:
                database.close()
        except sqlite3.Error as problem:
            raise InputError.at(where, f"a database that cannot be read: {problem}") from None
    if _state(path) != before:
        raise InputError.at(where, "was written to while it was read", "adopt when the program that writes it is done")


def tables_in(database: sqlite3.Connection) -> Tables:
    """The tables that there are."""
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: frozenset(row[1] for row in database.execute(f'PRAGMA table_info("{name}")')) for name in names}


def has_tables(path: Path, *names: str) -> bool:
    """Whether a file is a database with these tables; not for one that cannot be read."""
    if not is_database(path):
        return False
    try:
        with read_only(path) as database:
            return set(names) <= set(tables_in(database))
    except (InputError, OSError):
        return False


def missing_in(there: Tables, needed: Tables) -> list[str]:
    """The tables and columns that are needed and not there, as `table.column`."""
    return [
        f"{table}.{column}"
        for table, columns in needed.items()
        for column in sorted(columns)
        if column not in there.get(table, ())
    ]


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
