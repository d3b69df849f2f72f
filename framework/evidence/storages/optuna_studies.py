"""Studies of Optuna and their trials, whatever they are stored in."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

COMPLETE = "COMPLETE"
VALUE = "value"
"""What the value of a trial is called, where its study names no metrics."""
NAMES_OF_METRICS = "study:metric_names"
"""The study's attribute that `Study.set_metric_names` writes (optuna 5.0, study/study.py)."""
_CONSTRAINTS = "constraints"


@dataclass(slots=True)
class Trial:
    """One trial. ``values`` are those of the objectives; ``intermediate`` by the reported step. Either may be infinite,
    or NaN."""

    number: int
    state: str
    params: dict[str, Any] = field(default_factory=dict)
    values: list[float] | None = None
    user_attributes: dict[str, Any] = field(default_factory=dict)
    system_attributes: dict[str, Any] = field(default_factory=dict)
    intermediate: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class Study:
    """One study; ``directions`` are `MINIMIZE` or `MAXIMIZE`, one for each objective."""

    name: str
    directions: list[str]
    user_attributes: dict[str, Any] = field(default_factory=dict)
    system_attributes: dict[str, Any] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)

    @property
    def metric_names(self) -> list[str] | None:
        found = self.system_attributes.get(NAMES_OF_METRICS)
        return [str(name) for name in found] if isinstance(found, list) else None

    @property
    def best(self) -> int | None:
        """The number of the best completed trial of one objective, as `Study.best_trial` has it: the first of equals,
        of those that keep the constraints, and here of those with a finite value."""
        signs = {"MINIMIZE": 1, "MAXIMIZE": -1}
        if len(self.directions) != 1 or self.directions[0] not in signs:
            return None
        scored = [
            (signs[self.directions[0]] * value, trial.number)
            for trial in self.trials
            if trial.state == COMPLETE and _keeps_constraints(trial)
            for value in (trial.values or ())[:1]
            if math.isfinite(value)
        ]
        return min(scored)[1] if scored else None


def external(internal: float, distribution: str) -> Any:
    """A parameter's value, of the number that is stored for it (optuna 5.0, distributions.py): of a choice its index.

    Raises:
        ValueError, LookupError, TypeError: the distribution is none of Optuna's.
    """
    stated = json.loads(distribution)
    kind = str(stated.get("name") or stated["type"]).casefold()
    if kind.startswith("categorical"):
        return stated.get("attributes", stated)["choices"][int(internal)]
    return int(internal) if kind.startswith("int") else float(internal)


def _keeps_constraints(trial: Trial) -> bool:
    listed = trial.system_attributes.get(_CONSTRAINTS) or []
    named = [value for name, value in trial.system_attributes.items() if name.startswith(f"{_CONSTRAINTS}:")]
    return all(value <= 0 for value in [*listed, *named] if isinstance(value, (int, float)))
