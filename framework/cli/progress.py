"""Progress of runs on a terminal; plain lines where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from framework.cli import console
from framework.evidence.record import RunRecord
from framework.planning.steps import Step

_QUIET_SECONDS = 10.0
"""Without a terminal, a line at most this often."""


class RichProgress:
    """A bar for the running step; a line for each that ended. ``verbose`` also shows what commands write."""

    def __init__(self, verbose: bool = False) -> None:
        self.verbose = verbose
        self._bar: Any = None
        self._task: Any = None
        self._step: Step | None = None
        self._total = 0
        self._spoke = 0.0

    def __enter__(self) -> Self:
        if console.out().is_terminal:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=console.out(), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, step: Step, total_steps: int) -> None:
        """A step starts; ``total_steps`` are its optimizer steps, 0 for a transform."""
        self._step, self._total, self._spoke = step, total_steps, time.monotonic()
        if self._bar is not None:
            from rich.markup import escape

            self._task = self._bar.add_task(escape(step.label), total=total_steps or None, note="")
        else:
            console.literal(f"start {step.label}")

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        """Optimizer steps done, the last one's loss and learning rate."""
        note = f"loss {loss:.3f}, learning rate {learning_rate:.2e}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        elif time.monotonic() - self._spoke > _QUIET_SECONDS:
            self._spoke = time.monotonic()
            console.literal(f"  {done}/{self._total} {note}")

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
