"""The runs that no plan of the manifest holds any more: what they are, and how much room they take."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from framework.errors import FrameworkError, InputError, Problem
from framework.evidence.locks import lock_of, only_one
from framework.evidence.record import ADOPTED, RECORD, RECORDED, RunRecord
from framework.evidence.standing.run_state import Word
from framework.evidence.store import RunStore
from framework.planning.build import Plan
from framework.searching.studies import beside
from framework.searching.trials import runs_of_trials
from framework.stages.run.run_states import listed

_REMOVED = ".removed"
"""Ends the name of a folder that is being removed: it holds no run any more, whoever looks."""


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A folder of a run that nothing demands, why, and the bytes of its files on disk."""

    folder: Path
    record: RunRecord | None
    why: str
    bytes: int


def unplanned(store: RunStore, plan_of: Callable[[str | None], Plan | None]) -> Iterator[Unplanned]:
    """The runs of other values than the manifest states under any of its profiles, by folder; and what an earlier
    removal that was cut off left.

    A run that others made is never among them, nor one that is executed, nor a trial of a search, nor one that a run
    which is kept started from or refers to, nor what cannot be read.

    Args:
        plan_of: The whole plan under a profile; None where the manifest has no such profile.

    Raises:
        InputError: a study that cannot be read: which runs are its trials is not known.
    """
    if problems := runs_of_trials(beside(store.root)).unreadable:
        raise InputError(problems)
    found = list(listed(store, plan_of))
    needed = _with_ancestors(
        {each.record.key for each in found if each.record is not None and not _is_left(each.state.word, each.record)},
        {each.record.key: each.record for each in found if each.record is not None},
    )
    for each in found:
        if each.record is not None and each.record.key not in needed:
            yield Unplanned(each.folder, each.record, each.state.why, size_of(each.folder))
    for folder in sorted(store.root.glob(f"*{_REMOVED}")):
        yield Unplanned(folder, None, "its removal was cut off", size_of(folder))


def _is_left(word: Word, record: RunRecord) -> bool:
    return word is Word.STALE and not {ADOPTED, RECORDED} & record.identity.keys()


def _with_ancestors(keys: set[str], records: dict[str, RunRecord]) -> set[str]:
    """Some runs, and all that they started from or refer to."""
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found.add(key)
        if (record := records.get(key)) is not None:
            waiting += [*([record.parent] if record.parent else ()), *record.references.values()]
    return found


def size_of(folder: Path) -> int:
    """The bytes that the regular files below a folder take on disk; links are not followed."""
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                facts = os.lstat(os.path.join(above, name))
                total += facts.st_size if stat.S_ISREG(facts.st_mode) else 0
    return total


def remove(found: Unplanned) -> Problem | None:
    """Remove a run's folder for good, unless it is executed by now or is another run than was found.

    Its name goes first, so that a removal that is cut off leaves no half of a run.

    Returns:
        What is in the way; None if it is removed.
    """
    folder = found.folder
    try:
        if found.record is None:
            shutil.rmtree(folder)
            return None
        with only_one(lock_of(folder), f"the run {folder.name}"):
            if RunRecord.read(folder).key != found.record.key:
                return Problem(f"{folder.name}: {RECORD} is another run's by now")
            gone = folder.with_name(folder.name[-200:] + _REMOVED)
            os.rename(folder, gone)
        shutil.rmtree(gone)
    except (FrameworkError, OSError) as problem:
        return Problem(f"{folder.name}: {problem}")
    return None
