"""What a run tells while it works. The terminal's own display implements :class:`Progress`."""

from __future__ import annotations

from typing import Protocol

from framework.evidence.record import RunRecord
from framework.planning.steps import Step


class Progress(Protocol):
    """Receives what happens in one run, in this order: begin, then updates and messages, then end."""

    def begin(self, step: Step, total_steps: int) -> None:
        """The work starts; ``total_steps`` optimizer steps are planned, 0 where the step does not train."""

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        """``done`` optimizer steps are finished; loss and learning rate are those of the last one."""

    def message(self, text: str) -> None:
        """One line about what is being done, such as `validation loss 3.21`."""

    def end(self, record: RunRecord) -> None:
        """The run ended; the record's status says how."""


class Silent:
    """A progress that shows nothing."""

    def begin(self, step: Step, total_steps: int) -> None:
        pass

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        pass

    def message(self, text: str) -> None:
        pass

    def end(self, record: RunRecord) -> None:
        pass
