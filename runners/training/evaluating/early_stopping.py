"""When to stop before the last epoch, and which weights to keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from framework.manifest.sections.values.stated_metrics import falls
from framework.planning.recipes import RecipeStop


class BestState:
    """The trained parameters as they were at the best evaluation so far, and how long ago that was.

    An evaluation is better when it improves on the best by more than ``min_delta``. The best parameters are restored at
    the end of a training that declares early stopping, whether it stopped early or not.
    """

    def __init__(self, stated: RecipeStop, parameters: Iterable[Tensor]):
        self.stated = stated
        self.best: float | None = None
        self.best_epoch = 0
        self._waited = 0
        self._parameters = list(parameters)
        self.kept: list[Tensor] = []

    def exhausted(self, metrics: dict[str, float], epoch: int) -> bool:
        """Take in an evaluation after ``epoch`` epochs; whether the patience is used up."""
        value = metrics[self.stated.metric]
        gain = 0.0 if self.best is None else value - self.best
        if falls(self.stated.metric):
            gain = -gain
        if self.best is None or gain > self.stated.min_delta:
            self.best, self.best_epoch, self._waited = value, epoch, 0
            self.kept = [parameter.detach().clone() for parameter in self._parameters]
        else:
            self._waited += 1
        return self._waited >= self.stated.patience

    def restore(self) -> None:
        """Put the best parameters back."""
        with torch.no_grad():
            for parameter, kept in zip(self._parameters, self.kept, strict=True):
                parameter.copy_(kept)

    def state(self) -> dict[str, Any]:
        """What is known beside the kept parameters, as JSON data."""
        return {"best": self.best, "epoch": self.best_epoch, "waited": self._waited}

    def load_state(self, state: dict[str, Any], kept: Sequence[Tensor]) -> None:
        """Take back a state, and the parameters kept then (none before the first evaluation)."""
        self.best, self.best_epoch, self._waited = state["best"], state["epoch"], state["waited"]
        self.kept = [value.to(parameter.device) for value, parameter in zip(kept, self._parameters, strict=False)]
