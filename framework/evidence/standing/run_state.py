"""The state that a run is in, told once for every command: the words, and what the disk alone tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from framework.errors import Problem
from framework.evidence.locks import Holder, holder_of, last_holder, lock_of, this_host
from framework.evidence.record import ADOPTED, CHECKPOINTS, RECORD, RECORDED, REMOVED, RunRecord
from framework.evidence.store import Run, broken_artefacts


class Word(StrEnum):
    """How it stands with a run, or with a step's run."""

    DONE = "done"
    ADOPTED = "adopted"
    RECORDED = "recorded"
    """A script of the user's own made it, and recorded it as it went."""
    DAMAGED = "damaged"
    """It was finished, and what it left is no longer there as it was."""
    RUNNING = "running"
    CUT_OFF = "cut off"
    """It began, and nobody executes it."""
    FAILED = "failed"
    STALE = "stale"
    """It is of values that the manifest no longer states."""
    NOT_RUN = "not run"


MADE_ELSEWHERE = frozenset({Word.ADOPTED, Word.RECORDED})
"""Evidence, and no run that others can start from."""
MADE_ANEW = frozenset({Word.CUT_OFF, Word.FAILED, Word.STALE, Word.NOT_RUN}) | MADE_ELSEWHERE
"""What `framework run` executes."""


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
        return _state(run, _finished(record), "a trial's, without its tensors" if REMOVED in record.observed else "")
    if (holder := holder_of(run.folder)) is not None:
        return _state(run, Word.RUNNING, str(holder))
    if record.status == "failed":
        return _state(run, Word.FAILED, _goes_on(run, _in_a_line(record.error or "without a word")))
    return _state(run, Word.CUT_OFF, _goes_on(run, f"it ended without a word{_executed_last(run)}"))


def unreadable(folder: Path, problem: Problem) -> State:
    """The state of a run whose record cannot be read."""
    return State(Word.DAMAGED, f"{RECORD}: {problem.message}", None, folder)


def executed_now(folder: Path) -> State | None:
    """The state of a run that is executed and has no record yet."""
    holder = holder_of(folder)
    return None if holder is None else State(Word.RUNNING, str(holder), None, folder)


def _in_a_line(error: str) -> str:
    """The first line of an error; where that announces what follows, the last one too."""
    lines = [line.strip() for line in error.splitlines() if line.strip()] or ["without a word"]
    return f"{lines[0]} {lines[-1]}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]


def _finished(record: RunRecord) -> Word:
    return Word.ADOPTED if ADOPTED in record.identity else Word.RECORDED if RECORDED in record.identity else Word.DONE


def _state(run: Run, word: Word, why: str = "") -> State:
    return State(word, why, run, run.folder, word in MADE_ANEW)


def _goes_on(run: Run, why: str) -> str:
    return f"{why}; goes on from a checkpoint" if any((run.folder / CHECKPOINTS).glob("step-*")) else why


def _executed_last(run: Run) -> str:
    """What to add about who executed it last: locks are not shared by every file system."""
    holder = last_holder(lock_of(run.folder))
    if holder.host is None and run.record.attempts:
        attempt = run.record.attempts[-1]
        holder = Holder(attempt.get("process"), attempt.get("host"))
    if holder.host not in (None, this_host()):
        return f"; {holder} executed it last, and may still, if {holder.host} shares no locks"
    return "" if holder.process is None else f"; {holder} executed it last"
