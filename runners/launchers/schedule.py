"""Which step may start: every one whose parent and references are finished, in the plan's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

from framework.planning.steps import Measure, Step


class Scheduled(Protocol):
    """Says which step may start next, and is told how each ended."""

    def next(self, idle: bool = True) -> Step | None:
        """A step that may start now; None where there is none, or none yet."""

    def finish(self, step: Step) -> None:
        """The step is done."""

    def fail(self, step: Step) -> Iterator[Step]:
        """The step failed: the steps that cannot be executed any more because of it."""


class Schedule:
    """The steps of a plan on their way from waiting to finished.

    ``done`` are the keys of those that need no execution. A step that the plan does not hold counts as finished: the
    execution itself asks for its run.
    """

    def __init__(self, steps: Sequence[Step], done: Iterable[str] = ()):
        finished = set(done)
        self._steps = {step.key: step for step in steps if step.key not in finished}
        self._missing: dict[str, set[str]] = {}
        self._needed_by: dict[str, list[str]] = {}
        for key, step in self._steps.items():
            self._missing[key] = {need for need in needs(step) if need in self._steps}
            for need in self._missing[key]:
                self._needed_by.setdefault(need, []).append(key)
        self._place = {key: place for place, key in enumerate(self._steps)}
        self._ready = [key for key, missing in self._missing.items() if not missing]
        self._over: set[str] = set()

    def next(self, idle: bool = True) -> Step | None:
        """The first step that may start now, or None where all others wait, run or are over.

        What measures times comes after all else that may start, and only where the machine is ``idle``.
        """
        ready = [key for key in self._ready if not isinstance(self._steps[key].work, Measure)]
        key = next(iter(ready or (self._ready if idle else ())), None)
        if key is None:
            return None
        self._ready.remove(key)
        return self._steps[key]

    def finish(self, step: Step) -> None:
        """The step is done: those that only waited for it become ready."""
        self._over.add(step.key)
        for key in self._needed_by.get(step.key, []):
            self._missing[key].discard(step.key)
            if not self._missing[key] and key not in self._over:
                self._ready.append(key)
        self._ready.sort(key=self._place.__getitem__)

    def fail(self, step: Step) -> Iterator[Step]:
        """The step failed: the steps that cannot be executed any more because of it, in the plan's order."""
        lost, front = {step.key}, [step.key]
        while front:
            front = [key for key in chain(*(self._needed_by.get(key, []) for key in front)) if key not in lost]
            lost.update(front)
        fresh = lost - self._over
        self._over |= lost
        for key in sorted(fresh - {step.key}, key=self._place.__getitem__):
            yield self._steps[key]

    def __len__(self) -> int:
        """How many steps there are to execute, over or not."""
        return len(self._steps)


def needs(step: Step) -> list[str]:
    """The keys of the steps that must be finished before this one."""
    return [key for key in (step.parent, *step.references.values()) if key]
