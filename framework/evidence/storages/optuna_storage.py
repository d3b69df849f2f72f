"""What a storage of Optuna holds, a SQLite file or a journal: one reader for all who ask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framework.evidence.storages.optuna_journal import is_journal, replayed
from framework.evidence.storages.optuna_studies import Study
from framework.evidence.storages.optuna_tables import in_tables, is_tables
from framework.evidence.storages.sqlite_file import is_database


def is_storage(path: Path) -> bool:
    """Whether a file is one."""
    return is_tables(path) or is_journal(path)


def studies_in(path: Path) -> Sequence[Study]:
    """The studies that are there, in the order in which they were made; a deleted one is not.

    Raises:
        InputError: the file cannot be read, or is of a version that has not what is needed.
    """
    return list(in_tables(path) if is_database(path) else replayed(path))
