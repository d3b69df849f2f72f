"""The trials of a study, read from its journal without the library that wrote it.

A journal is Optuna's own: one JSON operation a line (optuna 5.0.0, `storages/journal/_storage.py`, `JournalOperation`).
So a study can be opened with Optuna and its dashboard as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from framework.errors import InputError, Problem
from framework.evidence.record import sha256_of
from framework.locations import Location

_STUDY, _STUDY_ATTR, _TRIAL, _STATE, _EVALUATION, _TRIAL_ATTR = 0, 2, 4, 6, 7, 8
_STATES: dict[int, Any] = {0: "running", 1: "completed", 2: "pruned", 3: "failed", 4: "waiting"}
POINT, FACTS, DRAWN, DECLARED, SOFTWARE = "point", "facts", "drawn", "declared", "software"
"""The attributes of trials and studies under which our own words stand."""

State = Literal["running", "completed", "pruned", "failed"]


@dataclass(slots=True)
class Trial:
    """One trial: a point of the space, and what became of it.

    ``facts`` holds, of a trial that ended: `runs` (the keys of all its runs, those whose metrics count under `final`),
    `metrics` by name (over the search's seeds), `optimizer_steps`, `planned_steps`, `stopped_early`, `hours`, and
    `error` of one that failed. ``evaluations`` are the objective's values on the way, by their number.
    """

    number: int
    point: dict[str, Any]
    state: State = "running"
    value: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    drawn: dict[str, Any] = field(default_factory=dict)
    evaluations: dict[int, float] = field(default_factory=dict)
    started: str | None = None
    finished: str | None = None


@dataclass(slots=True)
class StoredStudy:
    """A journal as it is read: what was declared when it began, and its trials in their order."""

    file: Path
    sha256: str
    declared: dict[str, Any]
    software: dict[str, Any]
    trials: list[Trial]

    def count(self, state: State) -> int:
        """How many trials are in a state."""
        return sum(trial.state == state for trial in self.trials)


def read_study(path: Path) -> StoredStudy | None:
    """The study in a journal; None where there is none yet.

    Raises:
        InputError: it is no journal of ours; with the line.
    """
    if not path.is_file():
        return None
    study: dict[str, Any] = {}
    trials: list[Trial] = []
    for number, operation in _operations(path):
        try:
            _apply(operation, study, trials)
        except (KeyError, IndexError, TypeError, ValueError) as problem:
            where = Location(str(path), number, 1)
            raise InputError.at(where, f"not a line of a study: {type(problem).__name__} {problem}") from None
    if DECLARED not in study:
        return None
    return StoredStudy(path, sha256_of(path), study[DECLARED], study.get(SOFTWARE, {}), trials)


@dataclass(frozen=True, slots=True)
class RunsOfTrials:
    """The runs that the trials of all studies of a project are: what each is, by its key, and the journals that do not
    say."""

    named: dict[str, str]
    unreadable: list[Problem]


def runs_of_trials(folder: Path) -> RunsOfTrials:
    """The runs of all trials below the folder of studies, under whatever profile these were searched."""
    named: dict[str, str] = {}
    unreadable: list[Problem] = []
    for path in sorted(folder.glob("**/*.journal")):
        try:
            study = read_study(path)
        except InputError as failure:
            unreadable += failure.problems
            continue
        for trial in study.trials if study else ():
            for key in trial.facts.get("runs", ()):
                named.setdefault(key, f"trial {trial.number} of the search {path.parent.name}")
    return RunsOfTrials(named, unreadable)


def _operations(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return  # cut off by a kill: it never happened
            try:
                found = json.loads(line)
            except ValueError as problem:
                raise InputError.at(Location(str(path), number, 1), f"not JSON: {problem}") from None
            if not isinstance(found, dict):
                raise InputError.at(Location(str(path), number, 1), "not a JSON object")
            yield number, found


def _apply(operation: dict[str, Any], study: dict[str, Any], trials: list[Trial]) -> None:
    code = operation["op_code"]
    if code == _STUDY_ATTR:
        study.update(operation["user_attr"])
    elif code == _TRIAL:
        own = operation["user_attrs"]
        made = Trial(len(trials), own[POINT], drawn=own.get(DRAWN, {}), started=operation.get("datetime_start"))
        trials.append(made)
    elif code == _STATE:
        trial = trials[operation["trial_id"]]
        if trial.state != "running":
            return  # Optuna refuses it likewise: the first end counts
        trial.state = _STATES[operation["state"]]
        trial.finished = operation.get("datetime_complete")
        if operation.get("values"):
            trial.value = float(operation["values"][0])
    elif code == _EVALUATION:
        trials[operation["trial_id"]].evaluations[int(operation["step"])] = float(operation["intermediate_value"])
    elif code == _TRIAL_ATTR and FACTS in operation["user_attr"]:
        trials[operation["trial_id"]].facts = operation["user_attr"][FACTS]
