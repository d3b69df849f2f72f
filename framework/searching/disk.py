"""How much the trials of a study take."""

from __future__ import annotations

from framework.evidence.store import RunStore
from framework.searching.trials import StoredStudy


def disk_of(stored: StoredStudy, store: RunStore) -> int:
    """Bytes of the files below the runs of all trials, each run once."""
    keys = dict.fromkeys(key for trial in stored.trials for key in trial.facts.get("runs", ()))
    folders = [run.folder for key in keys if (run := store.find(key)) is not None]
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
