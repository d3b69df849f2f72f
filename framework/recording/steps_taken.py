"""Optimizer steps as lines: the updates that were seen, joined with what the script says of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from framework.recording.device_values import taken
from framework.recording.optimizer_watch import OptimizerWatch, Update
from framework.recording.process_group import COUNTED

_MOST_WAITING = 100
"""Updates that nobody has told of, before they become lines by themselves."""


class StepsTaken:
    """The optimizer steps of a training, in the words of `steps.jsonl`: `step`, `learning_rate` (of the first group),
    `learning_rates` (of all groups of all optimizers, where they are not all the same; None of one that did not step),
    `samples`, `tokens`, `loss`, and `skipped` of an update that a loss scaler left out.

    ``done`` counts the steps, skipped ones too; ``peaks`` are the largest rates by the numbers of optimizer and group.
    """

    def __init__(self, watch: OptimizerWatch):
        self._watch = watch
        self._calls: list[dict[str, Any]] = []
        self._clock: int | None = None
        self.done = 0
        self.skipped = 0
        self.recorded = 0
        self.peaks: dict[tuple[int, int], float] = {}

    def told(
        self, optimizer: Any, samples: int | None, tokens: int | None, loss: Any, scaled: bool, step: int | None
    ) -> list[dict[str, Any]]:
        """The lines that follow from one call of :meth:`framework.recording.recording.Recording.step`; none where
        there was no update since the last one."""
        optimizers = _several(optimizer)
        places = [self._watch.place(each) for each in optimizers]
        for place in places:
            if not self._watch.tells(place):
                self._watch.read_off(place)
        self._calls.append({"samples": samples, "tokens": tokens, "loss": taken(loss)})
        self._clock = places[0] if places else self._clock or 0
        if self._watch.count(self._clock):
            return self._lines(self._clock, step)
        if scaled or any(_was_skipped(each) for each in optimizers):
            return [self._line(step, {"skipped": 1, **self._counted()})]
        return [] if step is None else [self._line(step, self._counted())]

    def unclaimed(self) -> list[dict[str, Any]]:
        """The lines of updates that no call told of."""
        clock = self._clock or 0
        return self._lines(clock, None) if self._watch.count(clock) else []

    def overdue(self) -> bool:
        """Whether many updates wait, and no call has ever told of one."""
        return self._clock is None and self._watch.count(0) > _MOST_WAITING

    def seen(self, line: dict[str, Any]) -> None:
        """Look at a line whose numbers are known."""
        self.recorded += 1
        if line.get("skipped"):
            self.skipped += 1
            return
        places = [(number, group) for number, facts in enumerate(self._watch.facts) for group in range(facts.count)]
        rates = line.get("learning_rates", [line.get("learning_rate")] * len(places))
        for place, rate in zip(places, rates, strict=False):
            if isinstance(rate, (int, float)):
                self.peaks[place] = max(rate, self.peaks.get(place, rate))

    def _lines(self, clock: int, step: int | None) -> list[dict[str, Any]]:
        updates = self._watch.take()
        count = len(updates[clock])
        if step is not None:
            self.done = step - count
        lines = []
        for index in range(count):
            last = index == count - 1
            line = self._rates(updates, clock, index)
            if last:
                counted = self._counted()
                # What several updates used together, none of them used alone.
                line |= counted if count == 1 else {"loss": counted["loss"]} if "loss" in counted else {}
            lines.append(self._line(None, line))
        return lines

    def _line(self, step: int | None, values: dict[str, Any]) -> dict[str, Any]:
        self.done = self.done + 1 if step is None else step
        return {"step": self.done, **values}

    def _counted(self) -> dict[str, Any]:
        """What the calls since the last step say together."""
        calls, self._calls = self._calls, []
        found = {
            name: sum(call[name] for call in calls)
            for name in COUNTED
            if calls and all(call[name] is not None for call in calls)
        }
        if len(calls) == 1 and calls[0]["loss"] is not None:
            found["loss"] = calls[0]["loss"]
        return found

    def _rates(self, updates: Sequence[Sequence[Update]], clock: int, index: int) -> dict[str, Any]:
        own = updates[clock][index]
        flat: list[Any] = []
        for place, each in enumerate(updates):
            if place == clock:
                flat += own.rates
            else:
                flat += each[-1].rates if each else [None] * self._watch.facts[place].count
        line: dict[str, Any] = {"learning_rate": own.rates[0] if own.rates else None}
        if any(type(rate) is not float or rate != flat[0] for rate in flat):
            line["learning_rates"] = flat
        if own.overflow is not None:
            line["overflow"] = own.overflow
        return line


def _several(optimizer: Any) -> list[Any]:
    if optimizer is None:
        return []
    return list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]


def _was_skipped(optimizer: Any) -> bool:
    """Whether accelerate's optimizer says that the scaler left its last step out; it makes none while it gathers."""
    with contextlib.suppress(Exception):
        return bool(optimizer.step_was_skipped and optimizer.gradient_state.sync_gradients)
    return False
