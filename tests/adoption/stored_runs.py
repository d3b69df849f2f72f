"""Databases and journals that MLflow and Optuna wrote; a database lies here as the SQL that makes the same one."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

STORED = Path(__file__).parent / "stored"
MLFLOW = ("mlflow-2.3", "mlflow-3.17")
"""Five runs of the experiment `ladder` (`d1` and `l1` are finished, with all their parameters; one failed, one goes on,
one is deleted), a run `sweep` with a child, one run of `scratch`, and one of a deleted experiment."""
OPTUNA = ("optuna-4.9.sql", "optuna-4.9.journal", "optuna-5.0.sql", "optuna-5.0.journal")
"""A study `ladder` with eight trials (of the variant `dense`: 0 and 1 complete, 2 pruned, 3 failed, 4 with an infinite
value; 5 runs, 6 waits; 7, of `lora`, was added) and `two goals`, whose metrics have names; a third one was deleted."""


def database(folder: Path, name: str) -> Path:
    """A database from its SQL."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.db"
    made = sqlite3.connect(path)
    made.executescript((STORED / f"{name}.sql").read_text("utf-8"))
    made.close()
    return path


def storage(folder: Path, name: str) -> Path:
    """A storage of Optuna, a database or a journal."""
    if name.endswith(".sql"):
        return database(folder, name.removesuffix(".sql"))
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(STORED / name, folder / name))
