"""Optuna's storages: each complete trial is a run, with what it reported on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.adoption.sources.source import Left, LeftOut, Store, Stored
from framework.evidence.logs.log import Log, Reading
from framework.evidence.logs.taking import final_metrics
from framework.evidence.storages.optuna_storage import is_storage, studies_in
from framework.evidence.storages.optuna_studies import COMPLETE, VALUE, Study, Trial


def runs(path: Path, reading: Reading) -> Iterator[Stored | LeftOut]:
    """The complete trials of all studies that are there, and of the others how many there are of each state; a deleted
    study is not.

    Raises:
        InputError: the file cannot be read, or is of a version that has not what is needed.
    """
    for study in studies_in(path):
        others: Counter[str] = Counter()
        for trial in study.trials:
            if trial.state == COMPLETE:
                yield Stored(f"{study.name}, trial {trial.number}", _kept(study, trial), _left(path, study, trial))
            else:
                others[trial.state] += 1
        if others:
            listed = ", ".join(f"{count} {state}" for state, count in sorted(others.items()))
            yield LeftOut(f"{sum(others.values())} trials of {study.name} which are not complete: {listed}")


def _kept(study: Study, trial: Trial) -> dict[str, Any]:
    return {
        "study": study.name,
        "directions": study.directions,
        "metric_names": study.metric_names,
        "study_user_attributes": study.user_attributes,
        "number": trial.number,
        "state": trial.state,
        "params": trial.params,
        "values": None if trial.values is None else [_finite(value) for value in trial.values],
        "user_attributes": trial.user_attributes,
        "intermediate_values": {str(step): _finite(value) for step, value in trial.intermediate.items()},
    }


def _left(path: Path, study: Study, trial: Trial) -> Left:
    left = Left(files=[path], settings=dict(trial.params))
    values = trial.values or []
    named = study.metric_names if study.metric_names and len(study.metric_names) == len(values) else None
    plain = [VALUE] if len(values) == 1 else [f"values_{index}" for index in range(len(values))]
    called = named or plain
    figures = {name: value for name, value in zip(called, values, strict=True) if math.isfinite(value)}
    attributes = {name: value for name, value in trial.user_attributes.items() if _finite(value) is not None}
    left.raw = {**attributes, **figures}
    if named:
        left.metrics, _ = final_metrics(figures, None)
    elif values:
        left.notes.append(f"what is measured has no name there: say `metrics: {{accuracy: {plain[0]}}}`")
    left.log = _reports(called[0] if len(called) == 1 else VALUE, trial)
    left.names = {
        **study.user_attributes,
        **trial.params,
        **trial.user_attributes,
        "study": study.name,
        "trial": trial.number,
        "best": trial.number == study.best,
    }
    return left


def _reports(called: str, trial: Trial) -> Log | None:
    """What a trial reported on the way, as evaluations of its objective: there is one only (optuna 5.0, Trial.report).
    What the steps of the reports count, Optuna does not know: they are no optimizer steps here."""
    reports = [(step, value) for step, value in sorted(trial.intermediate.items()) if math.isfinite(value)]
    name = VALUE if called == VALUE else next(iter(final_metrics({called: 0.0}, None)[0]), called)
    evaluations = [{"report": step, name: value} for step, value in reports]
    return Log("Optuna's reports", evaluations=evaluations) if evaluations else None


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


STORE = Store("optuna", is_storage, runs)
