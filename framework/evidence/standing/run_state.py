"""The state that a run is in, told once for every command: the words, and what the disk alone tells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from framework.errors import Problem
from framework.evidence.record import ADOPTED, CHECKPOINTS, RECORD
from framework.evidence.standing.run_locks import holder_of, last_holder, lock_of
from framework.evidence.store import Run, broken_artefacts


class Word(StrEnum):
    """How it stands with a run, or with a step's run."""

    DONE = "done"
    ADOPTED = "adopted"
    DAMAGED = "damaged"
    """It was finished, and what it left is no longer there as it was."""
    RUNNING = "running"
    CUT_OFF = "cut off"
    """It began, and nobody executes it."""
    FAILED = "failed"
    STALE = "stale"
    """It is of values that the manifest no longer states."""
    NOT_RUN = "not run"


MADE_ANEW = frozenset({Word.CUT_OFF, Word.FAILED, Word.STALE, Word.NOT_RUN, Word.ADOPTED})
"""What `framework run` executes: an adopted run is evidence, and none that others can start from."""


@dataclass(frozen=True, slots=True)
class State:
    """A word, and why; ``run`` is the run that it is about, ``folder`` where it lies."""

    word: Word
    why: str = ""
    run: Run | None = None
    folder: Path | None = None
    to_run: bool = False
    """Whether `framework run` executes the step."""

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else str(self.word)


def on_disk(run: Run) -> State:
    """The state of a run by its record, its files and its lock, whatever the manifest states."""
    record = run.record
    if record.status == "done":
        broken = list(broken_artefacts(run))
        if broken:
            more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
            return _state(run, Word.DAMAGED, f"{broken[0]}{more}")
        return _state(run, Word.ADOPTED if ADOPTED in record.identity else Word.DONE)
    if (holder := holder_of(run.folder)) is not None:
        return _state(run, Word.RUNNING, str(holder))
    if record.status == "failed":
        return _state(run, Word.FAILED, _goes_on(run, (record.error or "without a word").partition("\n")[0]))
    return _state(run, Word.CUT_OFF, _goes_on(run, "it ended without a word") + _elsewhere(run.folder))


def unreadable(folder: Path, problem: Problem) -> State:
    """The state of a run whose record cannot be read."""
    return State(Word.DAMAGED, f"{RECORD}: {problem.message}", None, folder)


def executed_now(folder: Path) -> State | None:
    """The state of a run that is executed and has no record yet."""
    holder = holder_of(folder)
    return None if holder is None else State(Word.RUNNING, str(holder), None, folder)


def _state(run: Run, word: Word, why: str = "") -> State:
    return State(word, why, run, run.folder, word in MADE_ANEW)


def _goes_on(run: Run, why: str) -> str:
    return f"{why}; goes on from a checkpoint" if any((run.folder / CHECKPOINTS).glob("step-*")) else why


def _elsewhere(folder: Path) -> str:
    """What to add where another host executed it last: locks are not shared by every file system."""
    host = last_holder(lock_of(folder)).host
    return "" if host in (None, this_host()) else f"; {host} executed it last, and may still, if it shares no locks"


def this_host() -> str:
    """The name of this machine."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
