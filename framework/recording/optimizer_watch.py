"""What optimizers used at each step: seen by a hook that torch calls before a step, where nothing has changed it since.

`torch.optim.optimizer.register_optimizer_step_pre_hook` (torch 2.0 and later; `torch/optim/optimizer.py` of 2.13 calls
it in `profile_hook_step`) calls for every optimizer of torch, whatever wraps it. So it does not matter whether a
scheduler is stepped before or after the recorder is told, and an update that a loss scaler skips is not taken for one.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from framework.recording.device_values import taken
from framework.recording.optimizer_facts import OptimizerFacts

_INNER = ("optimizer", "_optimizer")
"""Where wrappers keep what they wrap: accelerate's AcceleratedOptimizer, Lightning's LightningOptimizer."""


_MOST = 64
"""Optimizers that one recording takes."""


class Update(NamedTuple):
    """One update of one optimizer: the learning rate of each of its groups as it used them, and where a loss scaler
    leaves it to the optimizer (fused ones) to skip the update, whether it did (above 0)."""

    rates: tuple[Any, ...]
    overflow: Any = None


class OptimizerWatch:
    """The updates since they were last asked for, by optimizer in the order of their first update."""

    def __init__(
        self,
        names: Mapping[int, str],
        failed: Callable[[Exception], None] = lambda problem: None,
        stepped: Callable[[], None] = lambda: None,
    ):
        """``failed`` is told of an error in the hook, ``stepped`` of each update."""
        self.facts: list[OptimizerFacts] = []
        self._names = names
        self._failed, self._stepped = failed, stepped
        self._known: list[weakref.ref[Any]] = []
        self._updates: list[list[Update]] = []
        self._handle: Any = None
        self._last: tuple[weakref.ref[Any], int] | None = None

    def begin(self) -> None:
        """Let torch tell of every step from now on, if it is there already."""
        hooks = sys.modules.get("torch.optim.optimizer")
        register = getattr(hooks, "register_optimizer_step_pre_hook", None)
        if self._handle is None and register is not None:
            self._handle = register(self._before_step)

    def end(self) -> None:
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    @property
    def hooked(self) -> bool:
        """Whether every optimizer of torch tells of its steps."""
        return self._handle is not None

    def count(self, place: int) -> int:
        """The updates of an optimizer that nobody has asked for."""
        return len(self._updates[place]) if place < len(self._updates) else 0

    def device(self) -> Any:
        """The device of the first parameter that an optimizer holds; None where there is none any more."""
        for known in self._known:
            for group in getattr(known(), "param_groups", ()):
                for parameter in group["params"]:
                    return parameter.device
        return None

    def place(self, optimizer: Any) -> int:
        """The position of an optimizer, whatever wraps it; it is from now on known.

        Raises:
            TypeError: it is no optimizer.
        """
        last = None if self._last is None else self._last[0]()
        if last is optimizer and self._last is not None:
            return self._last[1]
        seen = self._found(optimizer)
        with contextlib.suppress(TypeError):  # an object that takes no weak references is looked for each time
            self._last = (weakref.ref(optimizer), seen)
        return seen

    def _found(self, optimizer: Any) -> int:
        seen = self._find(optimizer)
        return self._note(list(_layers(optimizer))[-1]) if seen is None else seen

    def take(self) -> list[list[Update]]:
        """The updates of each optimizer since the last call."""
        found, self._updates = self._updates, [[] for _ in self._updates]
        return found

    def read_off(self, place: int) -> None:
        """Take the rates that an optimizer without torch's hook has now for those of an update."""
        optimizer = self._known[place]()
        if optimizer is not None:
            self._updates[place].append(Update(_rates(optimizer)))

    def tells(self, place: int) -> bool:
        """Whether an optimizer is one of torch, which tells of its steps by itself."""
        return self.hooked and self.facts[place].of_torch

    def look_again(self) -> Iterator[dict[str, Any]]:
        """What changed of the optimizers' settings since the last look."""
        for number, (known, facts) in enumerate(zip(self._known, self.facts, strict=True)):
            optimizer = known()
            for change in facts.look(optimizer, self._names) if optimizer is not None else ():
                yield {"optimizer": number, **change}

    def _find(self, optimizer: Any) -> int | None:
        layers = list(_layers(optimizer))
        for place, known in enumerate(self._known):
            there = known()
            if there is not None and any(there is layer for layer in layers):
                return place
        return None

    def _note(self, optimizer: Any) -> int:
        """Know an optimizer from now on: in the place of one like it that is gone, where a script makes them anew."""
        if not isinstance(getattr(optimizer, "param_groups", None), list):
            raise TypeError(f"{type(optimizer).__name__} is no optimizer: it has no param_groups")
        facts = OptimizerFacts.of(optimizer, self._names)
        for place, known in enumerate(self._known):
            if known() is None and self.facts[place].holds_as(facts):
                self._known[place] = weakref.ref(optimizer)
                return place
        if len(self._known) == _MOST:
            raise ValueError(f"more than {_MOST} optimizers stepped")
        self._known.append(weakref.ref(optimizer))
        self._updates.append([])
        self.facts.append(facts)
        return len(self._known) - 1

    def _before_step(self, optimizer: Any, arguments: Any, options: Any) -> None:
        try:
            closure = arguments[1:] or options.get("closure")
            if not closure and not _has_gradients(optimizer):
                return  # a step without any gradient updates nothing
            place = next((each for each, known in enumerate(self._known) if known() is optimizer), None)
            if place is None:
                place = self._note(optimizer)
            overflow = getattr(optimizer, "found_inf", None)
            self._updates[place].append(Update(_rates(optimizer), None if overflow is None else taken(overflow)))
            self._stepped()
        except Exception as problem:  # a training is never ended by who looks on
            self._failed(problem)


def _layers(optimizer: Any) -> Iterator[Any]:
    """An optimizer, and those that it wraps."""
    seen: list[Any] = []
    while optimizer is not None and not any(optimizer is each for each in seen):
        seen.append(optimizer)
        yield optimizer
        optimizer = next((inner for name in _INNER if (inner := _own(optimizer, name)) is not None), None)


def _own(optimizer: Any, name: str) -> Any:
    with contextlib.suppress(Exception):
        found = getattr(optimizer, name, None)
        return found if hasattr(found, "param_groups") else None
    return None


def _rates(optimizer: Any) -> tuple[Any, ...]:
    return tuple([taken(group.get("lr")) for group in optimizer.param_groups])


def _has_gradients(optimizer: Any) -> bool:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                return True
    return False
