"""How far the runs that are executed have come, by what they have written: nobody is asked, nothing is locked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from framework.evidence.record import journal_of
from framework.evidence.standing.run_state import State, Word
from framework.planning.estimates import estimate
from framework.planning.steps import Step
from framework.reading.decoding import open_regular

_PART = 256 * 2**10
"""Bytes of the beginning, and of the end, of a journal that are read."""


@dataclass(frozen=True, slots=True)
class Progressing:
    """A run that is executed: optimizer steps done, of how many (None where nobody knows), the last one's loss, how
    many it does in a second, and the seconds left at that pace (None where it is not known yet)."""

    step: Step
    done: int
    total: int | None
    loss: float | None
    rate: float | None
    left: float | None


def progressing(states: Sequence[tuple[Step, State]], now: datetime) -> list[Progressing]:
    """The runs that are executed at this moment."""
    return [_progress(step, state, now) for step, state in states if state.word is Word.RUNNING]


def seconds_left(states: Sequence[tuple[Step, State]], running: Sequence[Progressing]) -> float | None:
    """About how long all that is planned will take, if as many go on at a time, each as long as those of its step that
    are finished took; None where that is not known."""
    took: dict[str, list[float]] = {}
    for step, state in states:
        record = state.run.record if state.run is not None else None
        if state.word is Word.DONE and record is not None and record.seconds is not None:
            took.setdefault(step.name, []).append(record.seconds)
    waiting = [step for step, state in states if state.to_run and state.word is not Word.RUNNING]
    if not running or not all(step.name in took for step in waiting):
        return None
    ahead = [each.left for each in running]
    if any(left is None for left in ahead):
        return None
    return (sum(left or 0 for left in ahead) + sum(fmean(took[step.name]) for step in waiting)) / len(running)


def _progress(step: Step, state: State, now: datetime) -> Progressing:
    attempt = _attempt(journal_of(state.folder)) if state.folder is not None else []
    began = attempt[0] if attempt else {}
    lines = [line for line in attempt if line.get("event") == "progress" and isinstance(line.get("step"), int)]
    planned = began.get("planned_steps")
    total = planned if isinstance(planned, int) and planned else estimate(step).optimizer_steps or None
    if not lines:
        return Progressing(step, 0, total, None, None, None)
    last = lines[-1]
    rate = _rate(lines)
    left = max(0.0, (total - last["step"]) / rate - _since(last, now)) if total is not None and rate else None
    return Progressing(step, last["step"], total, _number(last.get("loss")), rate, left)


def _rate(lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Optimizer steps in a second, since the attempt at work first told of one."""
    first, last = lines[0], lines[-1]
    seconds = (_time(last) - _time(first)).total_seconds()
    return (last["step"] - first["step"]) / seconds if seconds > 0 else None


def _since(line: Mapping[str, Any], now: datetime) -> float:
    return (now - _time(line)).total_seconds()


def _time(line: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(line["time"])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _attempt(path: Path) -> list[dict[str, Any]]:
    """The lines of the last attempt's journal, of a long one its beginning and its end; the first says what was
    planned."""
    found: list[dict[str, Any]] = []
    for line in _ends(path):
        try:
            facts = json.loads(line)
            readable = _time(facts).tzinfo is not None
        except (ValueError, KeyError, TypeError):
            continue  # cut off by a kill, or in the middle of being written
        if not readable:
            continue
        if facts.get("event") == "started":
            found = []
        found.append(facts)
    return found


def _ends(path: Path) -> list[bytes]:
    try:
        with open_regular(path) as stream:
            head = stream.read(_PART)
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(len(head), size - _PART))
            return [*head.split(b"\n"), *stream.read(_PART).split(b"\n")]
    except OSError:
        return []
