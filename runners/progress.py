"""What a run tells while it works: to a terminal, to its log, and to experiment trackers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from framework.evidence.record import RunRecord
from framework.planning.steps import Step


class Progress(Protocol):
    """Receives what happens in one run, in this order: begin, then updates, events and messages, then end."""

    def begin(self, step: Step, total_steps: int) -> None:
        """The work starts; ``total_steps`` optimizer steps are planned, 0 where the step does not train."""

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        """``done`` optimizer steps are finished; loss and learning rate are those of the last one."""

    def event(self, event: str, **facts: Any) -> None:
        """Something happened at one moment: `evaluation`, `checkpoint`, `resumed`, `stopped_early`, `restored`; the
        facts are plain JSON data."""

    def message(self, text: str) -> None:
        """One line about what is being done, such as `validation loss 3.21`."""

    def end(self, record: RunRecord) -> None:
        """The run ended; the record's status says how."""


class Silent:
    """A progress that shows nothing; the base of those that show some things."""

    def begin(self, step: Step, total_steps: int) -> None:
        pass

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        pass

    def event(self, event: str, **facts: Any) -> None:
        pass

    def message(self, text: str) -> None:
        pass

    def end(self, record: RunRecord) -> None:
        pass


class Several:
    """Tells all of several the same, in their order."""

    def __init__(self, members: Sequence[Progress]):
        self._members = members

    @property
    def verbose(self) -> bool:
        """Whether one of them also wants what commands write."""
        return any(getattr(each, "verbose", False) for each in self._members)

    def begin(self, step: Step, total_steps: int) -> None:
        for each in self._members:
            each.begin(step, total_steps)

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        for each in self._members:
            each.update(done, loss, learning_rate)

    def event(self, event: str, **facts: Any) -> None:
        for each in self._members:
            each.event(event, **facts)

    def message(self, text: str) -> None:
        for each in self._members:
            each.message(text)

    def end(self, record: RunRecord) -> None:
        for each in self._members:
            each.end(record)
