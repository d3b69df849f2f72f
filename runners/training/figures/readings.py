"""The figures of optimizer steps on their way from the device to `steps.jsonl`.

A host that asks for a number waits until the device has computed it, and the device then waits for the host's next
step. So the figures of a step stay where they are until a line is due; all that have come together are then fetched
in one transfer, looked at in the order of their steps, and written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from runners.training.figures.divergence import Divergence
from runners.training.update import Sums

Write = Callable[..., None]


class Fault(Exception):
    """A step after which the training cannot go on.

    ``step`` is its number (from 1), and ``good`` that of the last step whose weights are worth keeping. ``unspoilt``
    says that the gradient alone is at fault: the weights before its update were good.
    """

    def __init__(self, text: str, step: int, good: int, unspoilt: bool = False):
        super().__init__(text)
        self.step, self.good, self.unspoilt = step, good, unspoilt


@dataclass(slots=True)
class _Taken:
    """A step: its number (from 1), what is known of it on the host, and its scalars on the device by their name."""

    number: int
    line: dict[str, Any]
    scalars: dict[str, Tensor]
    extra: dict[str, Any] = field(default_factory=dict)
    checked: bool = False


def waits_for_nothing(device: torch.device) -> bool:
    """Whether reading a number is free: where the host itself computes. A fault is then found before the update."""
    return device.type == "cpu"


class Readings:
    """Steps whose lines are not written yet.

    Args:
        steps: Planned optimizer steps, for messages.
        scaled: Whether a loss scaler handles gradients that overflow (fp16): their norm may be no number.
        write: Takes a line, by keywords; None on processes that write none.
    """

    def __init__(self, steps: int, divergence: Divergence | None, scaled: bool, write: Write | None):
        self.steps, self.divergence, self.scaled, self._write = steps, divergence, scaled, write
        self._taken: list[_Taken] = []
        self.loss = math.nan
        """The last one that was read."""

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, number: int, line: dict[str, Any], sums: Sums) -> None:
        """What is known of a step before its update."""
        loss, tokens = sums.totals.unbind()
        scalars = {"loss": loss, "tokens": tokens}
        if sums.norm is not None:
            scalars["gradient_norm"] = sums.norm
        self._taken.append(_Taken(number, line, scalars))

    def applied(self, extra: dict[str, float | Tensor]) -> None:
        """What is known of the same step after it."""
        self._taken[-1].extra |= extra

    def check(self) -> None:
        """Look at all steps; the lines of those before a fault are written.

        Raises:
            Fault: the loss of a step, or the norm of its gradient, is no number, or the training has diverged there.
        """
        self._fetch()
        for place, step in enumerate(self._taken):
            if not step.checked:
                try:
                    self._check(step)
                except Fault:
                    del self._taken[place:]
                    self.write()
                    raise
                step.checked = True

    def write(self) -> None:
        """Write the lines of all steps, which have been looked at."""
        self._fetch()
        for step in self._taken:
            if self._write is not None:
                self._write(step=step.number, **step.line, **step.extra)
        self._taken.clear()

    def _fetch(self) -> None:
        """All that is still on the device, in one transfer; float32 and float64 keep their values."""
        places: list[tuple[dict[str, Any], str]] = []
        for step in self._taken:
            places += [(values, name) for values in (step.scalars, step.extra) for name in values]
        places = [(values, name) for values, name in places if isinstance(values[name], Tensor)]
        if places:
            found = torch.stack([values[name].detach().double() for values, name in places]).tolist()
            for (values, name), value in zip(places, found, strict=True):
                values[name] = value

    def _check(self, step: _Taken) -> None:
        figures: dict[str, Any] = step.scalars
        loss, norm, number = figures["loss"], figures.get("gradient_norm"), step.number
        where = f"at optimizer step {number} of {self.steps}"
        if not math.isfinite(loss):
            raise Fault(f"the training loss is {loss} {where}", number, number - 2)
        known = {}
        if norm is not None and math.isfinite(norm):
            known["gradient_norm"] = norm
        elif norm is not None and not self.scaled:
            raise Fault(f"the norm of the gradient is {norm} {where}", number, number - 1, unspoilt=True)
        if self.divergence and (fault := self.divergence.seen(loss)):
            raise Fault(fault, number, number - 1)
        self.loss = loss
        step.line = {**step.line, "tokens": int(figures["tokens"]), "loss": loss}
        step.extra = known | step.extra
        step.scalars = {}
