"""What optimizers used at each step: seen by a hook that torch calls before a step, where nothing has changed it since.

`torch.optim.optimizer.register_optimizer_step_pre_hook` (torch 2.0 and later; `torch/optim/optimizer.py` of 2.13 calls
it in `profile_hook_step`) calls for every optimizer of torch, whatever wraps it. So it does not matter whether a
scheduler is stepped before or after the recorder is told, and an update that a loss scaler skips is not taken for one.
A step that `torch.compile` has compiled tells nothing: it stays as it is.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from framework.recording.device_values import taken
from framework.recording.optimizer_facts import OptimizerFacts

_INNER = ("optimizer", "_optimizer")
"""Where wrappers keep what they wrap: accelerate's AcceleratedOptimizer, Lightning's LightningOptimizer."""
_MOST, _CROWDED = 64, 1000
"""Optimizers that one recording takes; updates that may wait before somebody is told."""


Update = tuple[int, list[Any], Any]
"""One update of one optimizer: its number, the learning rate of each of its groups as it used them, and where a loss
scaler leaves it to the optimizer (fused ones) to skip the update, whether it did (above 0). A plain tuple, since it is
made at each step."""


class OptimizerWatch:
    """The updates in their order, in ``log``, where others may write between them; optimizers are numbered in the order
    of their first one. What is done at each step is little: the rest waits for whoever empties the log."""

    def __init__(
        self,
        names: Mapping[int, str],
        failed: Callable[[Exception], None] = lambda problem: None,
        crowded: Callable[[], None] = lambda: None,
    ):
        """``failed`` is told of an error in the hook, ``crowded`` when nobody empties the log."""
        self.log: list[Any] = []
        self.facts: list[OptimizerFacts] = []
        self._names = names
        self._failed, self._crowded = failed, crowded
        self._known: list[weakref.ref[Any]] = []
        self._handle: Any = None
        self._compiling: Callable[[], bool] = bool
        self._told: tuple[weakref.ref[Any], int, bool] | None = None
        self._stepped: tuple[weakref.ref[Any], int] | None = None

    def begin(self) -> None:
        """Let torch tell of every step from now on, if it is there already."""
        hooks = sys.modules.get("torch.optim.optimizer")
        register = getattr(hooks, "register_optimizer_step_pre_hook", None)
        if self._handle is None and register is not None:
            self._compiling = getattr(getattr(sys.modules["torch"], "compiler", None), "is_compiling", bool)
            self._handle = register(self._before_step)

    def end(self) -> None:
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def device(self) -> Any:
        """The device of the first parameter that an optimizer holds; None where there is none any more."""
        for known in self._known:
            for group in getattr(known(), "param_groups", ()):
                for parameter in group["params"]:
                    return parameter.device
        return None

    def told(self, optimizer: Any) -> tuple[weakref.ref[Any], int, bool]:
        """The number of an optimizer, whatever wraps it, and whether it is one of torch, which tells of its steps by
        itself; it is from now on known.

        Raises:
            TypeError: it is no optimizer.
        """
        told = self._told
        if told is not None and told[0]() is optimizer:
            return told
        place = self._find(optimizer)
        if place is None:
            place = self._note(list(_layers(optimizer))[-1])
        self._told = (weakref.ref(optimizer), place, self._handle is not None and self.facts[place].of_torch)
        return self._told

    def read_off(self, place: int) -> None:
        """Take the rates that an optimizer without torch's hook has now for those of an update."""
        optimizer = self._known[place]()
        if optimizer is not None:
            self.log.append((place, [taken(group.get("lr")) for group in optimizer.param_groups], None))

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
        self.facts.append(facts)
        return len(self._known) - 1

    def _before_step(self, optimizer: Any, arguments: Any, options: Any) -> None:
        if self._compiling():
            return  # a part of this would become a part of the compiled step
        # This is called between two steps of others, whose data have filled the caches: every call in it is dear.
        try:
            groups = optimizer.param_groups
            if len(arguments) < 2 and not options and groups[0]["params"][0].grad is None and not _has_any(groups):
                return  # a step without any gradient, and without a closure that computes them, updates nothing
            stepped = self._stepped
            if stepped is None or stepped[0]() is not optimizer:
                stepped = self._stepped = (weakref.ref(optimizer), self._place_of(optimizer))
            rates = [group["lr"] for group in groups]
            if type(rates[0]) is not float:
                rates = [taken(rate) for rate in rates]
            overflow = optimizer.__dict__.get("found_inf")
            self.log.append((stepped[1], rates, None if overflow is None else taken(overflow)))
            if len(self.log) > _CROWDED:
                self._crowded()
        except Exception as problem:  # a training is never ended by who looks on
            self._failed(problem)

    def _place_of(self, optimizer: Any) -> int:
        place = next((each for each, known in enumerate(self._known) if known() is optimizer), None)
        return self._note(optimizer) if place is None else place


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


def _has_any(groups: list[dict[str, Any]]) -> bool:
    for group in groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                return True
    return False
