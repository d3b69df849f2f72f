"""Progress of runs: a bar on a terminal, plain lines where there is none; both say how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from framework.cli.terminal import console
from framework.evidence.record import RunRecord
from framework.planning.steps import Step

_QUIET_SECONDS = 10.0
"""Without a terminal, a line at most this often."""


class RichProgress:
    """A bar for the running step; a line for each that ended. ``verbose`` also shows what commands write."""

    def __init__(self, verbose: bool = False, steps: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """``steps`` are to be executed; each says which one of them it is."""
        self.verbose, self._steps, self._clock, self._number = verbose, steps, clock, 0
        self._bar: Any = None
        self._task: Any = None
        self._step: Step | None = None
        self._total = 0
        self._spoke = 0.0
        self._first: tuple[int, float] | None = None

    def __enter__(self) -> Self:
        if console.out().is_terminal:
            from framework.cli.terminal.bars import bars

            self._bar = bars(console.out())
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, step: Step, total_steps: int) -> None:
        """A step starts; ``total_steps`` are its optimizer steps, 0 for one that does not train."""
        self._step, self._total, self._spoke, self._first = step, total_steps, self._clock(), None
        self._number += 1
        which = f" ({self._number} of {self._steps})" if self._steps > 1 else ""
        if self._bar is not None:
            from rich.markup import escape

            self._task = self._bar.add_task(escape(step.label) + which, total=total_steps or None, note="")
        else:
            console.literal(f"start {step.label}{which}")

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        """Optimizer steps done, the last one's loss and learning rate."""
        note, now = f"loss {loss:.3f}, learning rate {learning_rate:.2e}", self._clock()
        self._first = self._first or (done, now)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        elif now - self._spoke > _QUIET_SECONDS:
            self._spoke = now
            left = self._left(done, now)
            console.literal(f"  {done}/{self._total} {note}" + (f", {left} left" if left else ""))

    def _left(self, done: int, now: float) -> str | None:
        """How long the remaining optimizer steps will take, at the pace since the first one that was told of: a run
        that goes on has not done the earlier ones in this time."""
        assert self._first is not None
        first, then = self._first
        if done <= first or done >= self._total:
            return None
        return spelled((self._total - done) * (now - then) / (done - first))

    def event(self, event: str, **facts: Any) -> None:
        """What people need to know of it comes as a message."""

    def message(self, text: str) -> None:
        console.literal(f"  {text}")

    def end(self, record: RunRecord) -> None:
        """The step ended, one way or the other."""
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        label = self._step.label if self._step else record.folder
        if record.status == "done":
            console.marked("green", "done", f"{label} ({record.seconds or 0:.1f} s)")
        else:
            console.marked("bold red", "failed", f"{label}: {record.error}")


def spelled(seconds: float) -> str:
    """A length of time as people say it: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
