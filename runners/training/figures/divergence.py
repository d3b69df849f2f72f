"""When a training that still has a finite loss is given up."""

from __future__ import annotations

from collections import deque
from typing import Any

WINDOW = 50
"""Optimizer steps: so many that a spike which the training recovers from by itself is not taken for its end."""


class Divergence:
    """The mean loss of the last 50 optimizer steps is above ``factor`` times the first step's loss.

    At the first step nothing has been learned: a language model that is initialised anew has a loss of about the
    logarithm of its vocabulary there. A training that stays well above that has lost what it started with.
    """

    def __init__(self, factor: float):
        self.factor = factor
        self._first: float | None = None
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def seen(self, loss: float) -> str | None:
        """Take in the loss of an optimizer step; why the training has diverged, or None."""
        self._first = loss if self._first is None else self._first
        self._recent.append(loss)
        mean = sum(self._recent) / WINDOW
        if len(self._recent) < WINDOW or mean <= self.factor * self._first:
            return None
        return (
            f"the training has diverged: the mean loss of the last {WINDOW} optimizer steps is {mean:.4g}, more than "
            f"{self.factor:g} times the first loss {self._first:.4g}"
        )

    @property
    def suspicious(self) -> bool:
        """Whether the last loss alone is above the limit: a state that is not worth keeping."""
        return self._first is not None and self._recent[-1] > self.factor * self._first

    def state(self) -> dict[str, Any]:
        return {"first": self._first, "recent": list(self._recent)}

    def load_state(self, state: dict[str, Any]) -> None:
        self._first = state["first"]
        self._recent = deque(state["recent"], maxlen=WINDOW)
