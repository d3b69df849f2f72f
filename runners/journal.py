"""The log of a run: what happened when, one JSON object per line, in `runs/logs/<run>.jsonl`.

Times differ from one execution to the next, so they have no place among the evidence in the run's own folder, which is
the same bit for bit however often the run was interrupted. A run that goes on adds to its log.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.evidence.record import RunRecord, journal_of
from framework.planning.steps import Step
from runners.progress import Silent


class Journal(Silent):
    """Writes each line at once: a kill loses none that was written."""

    def __init__(self, root: Path, step: Step):
        """``root`` is the folder of runs."""
        self.path = journal_of(root / step.folder)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._ended = self.path.exists() and not self.path.read_bytes().endswith(b"\n")

    def begin(self, step: Step, total_steps: int) -> None:
        self.event("started", run=step.folder, key=step.key, planned_steps=total_steps)

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        self.event("progress", step=done, loss=loss, learning_rate=learning_rate)

    def message(self, text: str) -> None:
        self.event("message", text=text)

    def end(self, record: RunRecord) -> None:
        if record.status == "done":
            self.event("finished", seconds=record.seconds, metrics=record.metrics)
        else:
            self.event("failed", seconds=record.seconds, error=record.error)

    def event(self, event: str, **facts: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **_plain(facts)}, ensure_ascii=False, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as stream:
            # A line that a kill cut off stays a broken line of its own.
            stream.write(f"\n{line}\n" if self._ended else f"{line}\n")
        self._ended = False


def _plain(value: Any) -> Any:
    """A number that JSON does not have is written as its name."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
