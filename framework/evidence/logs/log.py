"""What is read off a trainer's log. What the log does not say is not there, and stays unverified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """How a log is to be read: its own names of things where they are not usual ones, and what its first step is; where
    it holds rows of several kinds, the values of those that are steps and of those that are evaluations; its format,
    where the content does not have to tell."""

    names: Mapping[Any, str] = field(default_factory=dict)
    steps_from: int = 1
    step_rows: Mapping[str, Any] = field(default_factory=dict)
    evaluation_rows: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    inherit: bool = False
    """Whether a nested run has the parameters of the run that it is nested in, too."""


@dataclass(slots=True)
class Log:
    """One training, as its log tells it.

    ``steps`` are the logged optimizer steps in order, counted from 1: `step`, and of `learning_rate`, `loss`, `epoch`,
    `samples` and `tokens` what was logged. ``evaluations`` hold `step`, `epoch` and the metrics (`loss`, `accuracy`,
    `f1`, ...) as they were first measured there, ``final`` those that were measured last, which may be those of the
    best weights, put back. ``observed`` are facts that it states outright, by the run record's names:
    `optimizer_steps`, `planned_steps`, `epochs`, `micro_batch_size`. ``rates`` are rounded figures of the whole
    training, such as `samples_per_second`. ``settings`` are what the trainer wrote of its own arguments.
    """

    kind: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    final: dict[str, float] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] | None = None


Reader = Callable[[Sequence[Path], Reading], Log]
"""From the files of one log to what they tell.

Raises:
    InputError: a file is damaged, or not of the format.
"""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of logs: whether a file is of it, how it is read, and whether several files are one log."""

    name: str
    matches: Callable[[Path], bool]
    read: Reader
    joined: bool = False
