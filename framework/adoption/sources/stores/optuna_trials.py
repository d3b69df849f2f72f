"""Studies of Optuna and their trials, whatever they are stored in, and each completed trial as a run."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.adoption.sources.source import Left, LeftOut, Stored
from framework.evidence.logs.taking import final_metrics

COMPLETE = "COMPLETE"
NAMES_OF_METRICS = "study:metric_names"
"""The study's attribute that `Study.set_metric_names` writes (optuna 5.0, study/study.py)."""
_CONSTRAINTS = "constraints"


@dataclass(slots=True)
class Trial:
    """One trial. ``values`` are those of the objectives, an infinity as None; ``intermediate`` by the reported step."""

    number: int
    state: str
    params: dict[str, Any] = field(default_factory=dict)
    values: list[float | None] | None = None
    user_attributes: dict[str, Any] = field(default_factory=dict)
    system_attributes: dict[str, Any] = field(default_factory=dict)
    intermediate: dict[str, float | None] = field(default_factory=dict)


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
            if value is not None
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


def finite(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def stored_trials(path: Path, studies: Sequence[Study]) -> Iterator[Stored | LeftOut]:
    """The completed trials, and of the others how many there are of each state."""
    for study in studies:
        others: Counter[str] = Counter()
        for trial in study.trials:
            if trial.state == COMPLETE:
                yield Stored(f"{study.name}, trial {trial.number}", _kept(study, trial), _left(path, study, trial))
            else:
                others[trial.state] += 1
        if others:
            listed = ", ".join(f"{count} {state}" for state, count in sorted(others.items()))
            yield LeftOut(f"{sum(others.values())} trials of {study.name} which are not complete: {listed}")


def _keeps_constraints(trial: Trial) -> bool:
    listed = trial.system_attributes.get(_CONSTRAINTS) or []
    named = [value for name, value in trial.system_attributes.items() if name.startswith(f"{_CONSTRAINTS}:")]
    return all(value <= 0 for value in [*listed, *named] if isinstance(value, (int, float)))


def _kept(study: Study, trial: Trial) -> dict[str, Any]:
    return {
        "study": study.name,
        "directions": study.directions,
        "metric_names": study.metric_names,
        "study_user_attributes": study.user_attributes,
        "number": trial.number,
        "state": trial.state,
        "params": trial.params,
        "values": trial.values,
        "user_attributes": trial.user_attributes,
        "intermediate_values": trial.intermediate,
    }


def _left(path: Path, study: Study, trial: Trial) -> Left:
    left = Left(files=[path], settings=dict(trial.params))
    values = trial.values or []
    named = study.metric_names if study.metric_names and len(study.metric_names) == len(values) else None
    plain = ["value"] if len(values) == 1 else [f"values_{index}" for index in range(len(values))]
    figures = {name: value for name, value in zip(named or plain, values, strict=True) if value is not None}
    attributes = {name: value for name, value in trial.user_attributes.items() if finite(value) is not None}
    left.raw = {**attributes, **figures}
    if named:
        left.metrics, _ = final_metrics(figures, None)
    elif values:
        left.notes.append(f"what is measured has no name there: say `metrics: {{accuracy: {plain[0]}}}`")
    left.names = {
        **study.user_attributes,
        **trial.params,
        **trial.user_attributes,
        "study": study.name,
        "trial": trial.number,
        "best": trial.number == study.best,
    }
    return left
