"""How a step of a plan ended, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from framework.evidence.record import RunRecord
from framework.planning.steps import Step


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step's end: `found` finished already, `done`, `failed` with its error, or `skipped` because a step that it
    needs failed. ``record`` is there for what finished."""

    step: Step
    status: Literal["found", "done", "failed", "skipped"]
    record: RunRecord | None = None
    error: str = ""


class Board(Protocol):
    """Receives what happens to all steps of a plan, several at a time."""

    def started(self, step: Step) -> None:
        """The step's execution begins."""

    def training(self, step: Step, total_steps: int) -> None:
        """It is about to train for so many optimizer steps; 0 where it does not train."""

    def update(self, step: Step, done: int, loss: float, learning_rate: float) -> None:
        """``done`` of its optimizer steps are finished; loss and learning rate are those of the last one."""

    def message(self, step: Step, text: str) -> None:
        """One line about what it is doing."""

    def ended(self, outcome: Outcome) -> None:
        """The step came to its end."""


class Unheard:
    """A board that shows nothing."""

    def started(self, step: Step) -> None:
        pass

    def training(self, step: Step, total_steps: int) -> None:
        pass

    def update(self, step: Step, done: int, loss: float, learning_rate: float) -> None:
        pass

    def message(self, step: Step, text: str) -> None:
        pass

    def ended(self, outcome: Outcome) -> None:
        pass
