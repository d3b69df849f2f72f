"""What a writer of a dialect works on: the facts of one step, and the keys that it has put down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from framework.manifest.sections.schedules import Warmup
from framework.manifest.sections.values.durations import Scale
from framework.names import Path, parse_path


@dataclass(frozen=True, slots=True)
class Facts:
    """What the manifest says of one training step, by the names that dialects know facts by.

    ``values`` holds such as `optimizer.learning_rate`, `schedule.warmup` (a Warmup), `batch_size`,
    `batch_size.micro`, `adapter.lora.rank`, `model.hub`, `seed`; a list is one value. ``steps`` is the number of
    optimizer steps, where the manifest says how much data there is, and ``scale`` what one step and one epoch are.
    """

    values: Mapping[str, Any]
    steps: int | None = None
    scale: Scale = field(default_factory=Scale)

    def __contains__(self, fact: str) -> bool:
        """Whether the manifest states a fact, or the list that it is an item of (`optimizer.betas[1]`)."""
        return fact.partition("[")[0] in self.values

    def __getitem__(self, fact: str) -> Any:
        return self.values[fact]

    def get(self, fact: str) -> Any:
        return self.values.get(fact)

    @property
    def warmup_steps(self) -> int | None:
        """The warmup in optimizer steps; None where its length is not stated, or is of a number that is not known."""
        warmup: Warmup = self["schedule.warmup"]
        if not warmup.known:
            return None
        if warmup.amount == 0:
            return 0
        exact = warmup.exact_steps(self.steps, self.scale)
        return None if exact is None else warmup.in_steps(self.steps or 0, self.scale)

    @property
    def warms_up(self) -> bool:
        warmup: Warmup = self["schedule.warmup"]
        return not warmup.known or warmup.amount > 0

    @property
    def min_ratio(self) -> float:
        """Where the decay ends, as a share of the peak."""
        return float(self["schedule.min_learning_rate"] / self["optimizer.learning_rate"])


@dataclass(slots=True)
class Sheet:
    """The config that is being written: ``data`` as its trainer reads it, the facts that it says, and those that the
    trainer cannot be told, with the reason."""

    facts: Facts
    data: dict[str, Any] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    places: dict[Path, set[str]] = field(default_factory=dict)
    """Each key that was put down, and the facts that it says."""

    def put(self, key: str | Path, value: Any, *facts: str) -> None:
        """Write a key (a dotted one stands below sections), which says these facts."""
        path = parse_path(key) if isinstance(key, str) else key
        put(self.data, path, value)
        known = {fact for fact in facts if fact in self.facts}
        self.places.setdefault(path, set()).update(known)
        self.said |= known

    def say(self, key: str | Path, fact: str) -> None:
        """Write a fact as it is, where the manifest has it."""
        if fact in self.facts:
            self.put(key, self.facts[fact], fact)

    def say_word(self, key: str | Path, fact: str, words: Mapping[str, Any], whose: str) -> None:
        """Write a fact by the trainer's word for it; one that it has no word for is refused."""
        if (value := self.facts.get(fact)) in words:
            self.put(key, words[value], fact)
        else:
            self.refuse(fact, f"{whose} has no word for {value!r} here: known are {', '.join(words)}")

    def say_warmup(self, steps: str, share: str | None = None) -> None:
        """Write the warmup in steps where their number is known, else as a share, where the trainer reads one."""
        warmup: Warmup = self.facts["schedule.warmup"]
        if (number := self.facts.warmup_steps) is not None:
            self.put(steps, number, "schedule.warmup")
        elif share is not None and warmup.ratio is not None:
            self.put(share, warmup.ratio, "schedule.warmup")
        else:
            self.refuse("schedule.warmup", "it is counted in steps, and their number is not known here")

    def say_all(self, keys: Mapping[str, str]) -> None:
        """As :meth:`say`, for a table of fact -> key."""
        for fact, key in keys.items():
            self.say(key, fact)

    def leave_out(self, facts: Set[str], keys: Callable[[Path], bool] = lambda path: False) -> None:
        """Take out the keys that only say some of these facts, and those that ``keys`` tells."""
        for path, said in list(self.places.items()):
            if (said and said <= facts) or keys(path):
                _remove(self.data, path)
                del self.places[path]

    def needless(self, *facts: str) -> None:
        """Facts that the trainer fulfils where nothing is written."""
        self.said.update(fact for fact in facts if fact in self.facts)

    def refuse(self, fact: str, why: str) -> None:
        """A fact that the trainer has no word for."""
        if fact in self.facts:
            self.refused[fact] = why


def put(data: Any, path: Path, value: Any) -> None:
    """Set a value in nested mappings, which are made where they are missing; a list grows by one item at most.

    Raises:
        ValueError: a value stands where a section would have to.
    """
    for part, following in itertools.pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(data, list) and isinstance(part, int):
            if part == len(data):
                data.append(empty)
            data = data[part]
        elif isinstance(data, dict):
            data = data.setdefault(part, empty)
        else:
            raise ValueError(f"a value stands where the section {part!r} would have to")
    last = path[-1]
    if isinstance(data, list) and isinstance(last, int):
        data[last:] = [value, *data[last + 1 :]]
    elif isinstance(data, dict):
        data[last] = value
    else:
        raise ValueError(f"a value stands where the section of {last!r} would have to")


def _remove(data: Any, path: Path) -> None:
    """Take a key out, and the sections that are then empty."""
    *above, last = path
    trail = [data]
    for part in above:
        trail.append(trail[-1][part])
    del trail[-1][last]
    for section, part in zip(reversed(trail[:-1]), reversed(above), strict=True):
        if section[part] == {}:
            del section[part]
