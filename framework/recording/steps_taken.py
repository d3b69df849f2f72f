"""Optimizer steps as lines: the updates that were seen, joined with what the script says of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from framework.recording.device_values import taken
from framework.recording.optimizer_watch import OptimizerWatch, Update
from framework.recording.process_group import COUNTED


class Call(NamedTuple):
    """What one call of :meth:`framework.recording.recording.Recording.step` said: with the number of the first
    optimizer that it named, and whether a scaler may have left the update out."""

    place: int | None
    samples: int | None
    tokens: int | None
    loss: Any
    scaled: bool
    step: int | None
    epoch: float | None


class StepsTaken:
    """The optimizer steps of a training, in the words of `steps.jsonl`: `step`, `learning_rate` (of the first group),
    `learning_rates` (of all groups of all optimizers, where they are not all the same; None of one that did not step),
    `samples`, `tokens`, `loss`, `epoch`, and `skipped` of an update that a loss scaler left out.

    ``done`` counts the steps, skipped ones too; ``peaks`` are the largest rates by the numbers of optimizer and group.
    """

    def __init__(self, watch: OptimizerWatch):
        self._watch = watch
        self._calls: list[Call] = []
        self._updates: list[list[Update]] = []
        self._clock: int | None = None
        self.done = 0
        self.skipped = 0
        self.recorded = 0
        self.peaks: dict[tuple[int, int], float] = {}
        self._counts: list[int] = []
        self._places: list[tuple[int, int]] = []

    def told(
        self,
        optimizer: Any,
        samples: int | None,
        tokens: int | None,
        loss: Any,
        scaled: bool,
        step: int | None,
        epoch: float | None = None,
    ) -> None:
        """Note a call, with what only this moment knows; :meth:`settle` makes lines of it."""
        watch, place = self._watch, None
        if optimizer is not None:
            several = optimizer if type(optimizer) in (list, tuple) else (optimizer,)
            for each in several:
                _, own, tells = watch.told(each)
                place = own if place is None else place
                if not tells:
                    watch.read_off(own)
            if not scaled and not self._updated(place):
                scaled = any(_was_skipped(each) for each in several)
        if loss is not None and type(loss) is not float:
            loss = taken(loss)
        watch.log.append([place, samples, tokens, loss, scaled, step, epoch])

    def settle(self) -> list[dict[str, Any]]:
        """The lines that follow from what was noted since the last time: one for each update that a call told of, and
        for each that a scaler left out; a call without either is added to the next."""
        log, self._watch.log = self._watch.log, []
        lines: list[dict[str, Any]] = []
        self._updates += [[] for _ in self._watch.facts[len(self._updates) :]]
        for event in log:
            if type(event) is tuple:
                self._updates[event[0]].append(event)
                continue
            call = Call(*event)
            self._calls.append(call)
            self._clock = (self._clock or 0) if call.place is None else call.place
            if self._waiting(self._clock):
                lines += self._lines(self._clock, call.step)
            elif call.scaled:
                lines.append(self._line(call.step, {"skipped": 1, **self._counted()}))
            elif call.step is not None:
                lines.append(self._line(call.step, self._counted()))
        return lines

    def all_settled(self) -> list[dict[str, Any]]:
        """The same, and the lines of updates that no call has told of."""
        lines, clock = self.settle(), self._clock or 0
        return lines + self._lines(clock, None) if self._waiting(clock) else lines

    @property
    def never_told(self) -> bool:
        """Whether no call has ever told of a step."""
        return self._clock is None

    def seen(self, line: dict[str, Any]) -> None:
        """Look at a line whose numbers are known."""
        self.recorded += 1
        if line.get("skipped"):
            self.skipped += 1
            return
        counts = [facts.count for facts in self._watch.facts]
        if counts != self._counts:
            self._counts = counts
            self._places = [(number, group) for number, count in enumerate(counts) for group in range(count)]
        rates = line.get("learning_rates")
        if rates is None:
            rates = [line.get("learning_rate")] * len(self._places)
        peaks = self.peaks
        for place, rate in zip(self._places, rates, strict=False):
            if rate is not None and rate > peaks.get(place, -1.0):
                peaks[place] = rate

    def _updated(self, place: int | None) -> bool:
        """Whether an optimizer made an update since the last call."""
        for event in reversed(self._watch.log):
            if type(event) is not tuple:
                return False
            if event[0] == place:
                return True
        return False

    def _waiting(self, clock: int) -> int:
        return len(self._updates[clock]) if clock < len(self._updates) else 0

    def _lines(self, clock: int, step: int | None) -> list[dict[str, Any]]:
        updates, self._updates = self._updates, [[] for _ in self._updates]
        count = len(updates[clock])
        if step is not None:
            self.done = step - count
        lines = []
        for index in range(count):
            line = self._rates(updates, clock, index)
            if index == count - 1:
                counted = self._counted()
                if count > 1:  # what several updates used together, none of them used alone
                    counted = {name: value for name, value in counted.items() if name not in COUNTED}
                line |= counted
            lines.append(self._line(None, line))
        return lines

    def _line(self, step: int | None, values: dict[str, Any]) -> dict[str, Any]:
        self.done = self.done + 1 if step is None else step
        return {"step": self.done, **values}

    def _counted(self) -> dict[str, Any]:
        """What the calls since the last step say together: a loss, where it is one call's."""
        calls, self._calls = self._calls, []
        found: dict[str, Any] = {}
        for name in COUNTED:
            amounts = [getattr(call, name) for call in calls]
            if amounts and None not in amounts:
                found[name] = sum(amounts)
        if len(calls) == 1 and calls[0].loss is not None:
            found["loss"] = calls[0].loss
        if calls and calls[-1].epoch is not None:
            found["epoch"] = calls[-1].epoch
        return found

    def _rates(self, updates: Sequence[Sequence[Update]], clock: int, index: int) -> dict[str, Any]:
        _, own, overflow = updates[clock][index]
        flat: list[Any] = []
        for place, each in enumerate(updates):
            if place == clock:
                flat += own
            else:
                flat += each[-1][1] if each else [None] * self._watch.facts[place].count
        line: dict[str, Any] = {"learning_rate": own[0] if own else None}
        if len(flat) > 1 and (set(map(type, flat)) != {float} or flat.count(flat[0]) != len(flat)):
            line["learning_rates"] = flat
        if overflow is not None:
            line["overflow"] = overflow
        return line


def _was_skipped(optimizer: Any) -> bool:
    """Whether accelerate's optimizer says that the scaler left its last step out; it makes none while it gathers."""
    with contextlib.suppress(Exception):
        return bool(optimizer.step_was_skipped and optimizer.gradient_state.sync_gradients)
    return False
