"""What a pool of runs is doing: one bar over all of them and one for each that is running; plain lines without a
terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from framework.cli.terminal import console
from framework.planning.outcomes import Outcome
from framework.planning.steps import Step

_QUIET_SECONDS = 10.0
"""Without a terminal, a line about all runs at most this often."""


class PoolBoard:
    """Shows ``total`` runs to execute beside ``found`` that were finished before, ``jobs`` at a time."""

    def __init__(self, total: int, found: int, jobs: int):
        self._total, self._found, self._jobs = total, found, jobs
        self._counts = {"done": 0, "failed": 0, "skipped": 0}
        self._display: Any = None
        self._whole: Any = None
        self._bars: dict[str, Any] = {}
        self._begun = self._spoke = time.monotonic()

    def __enter__(self) -> Self:
        runs = "run" if self._total == 1 else "runs"
        console.note(f"{self._total} {runs} to execute, {self._jobs} at a time; {self._found} found finished")
        if console.out().is_terminal:
            from framework.cli.terminal.bars import bars

            # Refreshed by hand: the display's own thread could hold a lock at the moment of a fork.
            self._display = bars(console.out(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self._display.start()
            self._whole = self._display.add_task("all runs", total=self._total, note="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._display.stop()

    def started(self, step: Step) -> None:
        if self._display is not None:
            from rich.markup import escape

            self._bars[step.key] = self._display.add_task(f"  {escape(step.label)}", total=None, note="")
            self._refresh()

    def training(self, step: Step, total_steps: int) -> None:
        if self._display is not None:
            self._display.update(self._bars[step.key], total=total_steps or None)
            self._refresh()

    def update(self, step: Step, done: int, loss: float, learning_rate: float) -> None:
        if self._display is not None:
            self._display.update(self._bars[step.key], completed=done, note=f"loss {loss:.3f}")
            self._refresh()

    def message(self, step: Step, text: str) -> None:
        if self._display is not None:
            self._display.update(self._bars[step.key], note=text)
            self._refresh()

    def ended(self, outcome: Outcome) -> None:
        if outcome.status == "found":
            return
        self._counts[outcome.status] += 1
        label = outcome.step.label
        if self._display is not None:
            if outcome.step.key in self._bars:
                self._display.remove_task(self._bars.pop(outcome.step.key))
            self._display.update(self._whole, completed=sum(self._counts.values()), note=self._state())
            self._refresh()
        if outcome.status == "failed":
            console.marked("bold red", "failed", f"{label}: {outcome.error}")
        elif outcome.status == "done" and self._display is None:
            self._line(label)

    def _line(self, label: str) -> None:
        over = sum(self._counts.values())
        if over == self._total or time.monotonic() - self._spoke > _QUIET_SECONDS:
            self._spoke = time.monotonic()
            seconds = self._spoke - self._begun
            left = seconds / over * (self._total - over)
            console.literal(f"{over}/{self._total} {self._state()}, {seconds:.0f} s, about {left:.0f} s left ({label})")

    def _state(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in self._counts.items() if count)

    def _refresh(self) -> None:
        self._display.refresh()
