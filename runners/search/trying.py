"""A study at work: which point is tried next, and what became of those that were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from framework.errors import UsageError
from framework.manifest.searched.value_sets import Point, grid_points, named
from framework.manifest.sections.searching.searches import Search
from framework.searching.spending import End, nothing_new, spent
from framework.searching.studies import changed
from framework.searching.trials import DECLARED, DRAWN, FACTS, POINT, SOFTWARE, State
from framework.version import installed_version
from runners.search.drawing import as_params, distribution_of, draw
from runners.search.journals import Journal, Owners, alone

NAME = "search"
"""The name of the one study in a journal."""
_MOST_DRAWS = 100
"""How often a point that was tried before is drawn anew, until a sampler counts as one that has nothing new."""
STATES: dict[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "completed",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A point to be tried. ``attempts`` tells how many times that failed before."""

    number: int
    point: Point
    attempts: int = 0


class Tries:
    """The trials of one study, shared by all processes that search it.

    Everything is in the journal before anybody acts on it: a point when it is proposed, in one line, and its end. A
    process that is killed leaves trials that nobody works on; whoever asks next gets these first.
    """

    def __init__(self, search: Search, path: Path, declared: dict[str, Any], label: str = NAME):
        """
        Args:
            declared: What makes the trials comparable; see :func:`framework.searching.studies.declared`.

        Raises:
            UsageError: the journal holds a study that declared something else, or something else than a study.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.search, self.path, self.label = search, path, label
        self.dimensions = search.dimensions
        self._turn = path.with_suffix(".turn")
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(self._turn):
            try:
                self.storage = Journal(path)
            except (ValueError, KeyError, AssertionError) as problem:
                raise UsageError(f"{path} is no study: {problem}; move it away to begin anew") from None
            self._id = self._opened(declared)
        self._owners = Owners(path.with_suffix(".owners"))
        self._grid = list(grid_points(self.dimensions)) if search.sampling.name == "grid" else []

    def _opened(self, declared: dict[str, Any]) -> int:
        studies = self.storage.get_all_studies()
        direction = optuna.study.StudyDirection.MINIMIZE if self.search.falls else optuna.study.StudyDirection.MAXIMIZE
        if not studies:
            number = self.storage.create_new_study([direction], NAME)
        else:
            number = studies[0]._study_id
        stored = self.storage.get_study_user_attrs(number)
        if DECLARED not in stored:  # new, or killed just now
            self.storage.set_study_user_attr(number, SOFTWARE, _software())
            self.storage.set_study_user_attr(number, DECLARED, declared)
            return number
        if differences := changed(declared, stored[DECLARED]):
            lines = "\n".join(f"  {each}" for each in differences)
            raise UsageError(
                f"{self.label}: {self.path} holds trials of another search:\n{lines}\n"
                "their values cannot be compared: move it away to search anew, or give the search another name"
            )
        if stored[DECLARED] != declared:
            self.storage.set_study_user_attr(number, DECLARED, declared)
        return number

    def trials(self) -> list[FrozenTrial]:
        """All trials, in their order."""
        found: list[FrozenTrial] = self.storage.get_all_trials(self._id, deepcopy=False)
        return found

    def propose(self) -> Proposal | None:
        """The next point to try: one that was begun and that nobody works on any more, or a new one; None where the
        search is over, or those that are being tried decide what comes next."""
        with alone(self._turn):
            trials = self.trials()
            for trial in trials:
                if trial.state == TrialState.RUNNING and self._owners.take(trial.number):
                    return Proposal(trial.number, trial.user_attrs[POINT], trial.user_attrs.get("attempts", 0))
            if spent(self.search, [End(STATES[each.state], each.user_attrs.get(FACTS, {})) for each in trials]):
                return None
            found = self._next(trials)
            if found is None:
                return None
            point, drawn = found
            number = self._stored(point, drawn)
            self._owners.take(number)
            return Proposal(number, point)

    def _next(self, trials: Sequence[FrozenTrial]) -> tuple[Point, dict[str, Any]] | None:
        """A point that was not tried yet, and how it was found; points are compared as values."""
        tried = {named(trial.user_attrs[POINT]) for trial in trials}
        for point in self.search.first:
            if named(point) not in tried:
                return point, {"by": "first"}
        sampler = self.search.sampling
        if sampler.name == "grid":
            new = next((point for point in self._grid if named(point) not in tried), None)
            return None if new is None else (new, {"by": "grid"})
        if nothing_new(self.search, [trial.user_attrs[POINT] for trial in trials]):
            return None
        study = optuna.Study(NAME, self.storage)
        for attempt in range(_MOST_DRAWS):
            point, drawn = draw(sampler, self.dimensions, study, trials, attempt)
            if named(point) not in tried:
                return point, drawn
        return None

    def _stored(self, point: Point, drawn: dict[str, Any]) -> int:
        """The number of a new trial, which is in the journal now."""
        distributions = {key: distribution_of(self.dimensions[key]) for key in point}
        template = optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params=as_params(self.dimensions, point),
            distributions=distributions,
            user_attrs={POINT: point, DRAWN: drawn},
        )
        template.datetime_start = datetime.now()
        return self.storage.create_new_trial(self._id, template)

    def complete(self, number: int, value: float, facts: dict[str, Any]) -> bool:
        """Note a trial's value; one that is no finite number fails the trial. Whether it counts."""
        if not math.isfinite(value):
            self.fail(number, f"the objective is {value}", facts)
            return False
        self._end(number, TrialState.COMPLETE, facts, [float(value)])
        return True

    def prune(self, number: int, facts: dict[str, Any]) -> None:
        """Note that a trial was ended early: it has no value."""
        self._end(number, TrialState.PRUNED, facts)

    def fail(self, number: int, error: str, facts: dict[str, Any] | None = None) -> None:
        """Note that a trial failed, for good."""
        self._end(number, TrialState.FAIL, {**(facts or {}), "error": error})

    def attempted(self, number: int, attempts: int) -> None:
        """Note how many times a trial failed that is tried again."""
        self.storage.set_trial_user_attr(number, "attempts", attempts)

    def _end(self, number: int, state: TrialState, facts: dict[str, Any], values: list[float] | None = None) -> None:
        """The facts before the state: a trial without its state is asked for again. Nobody looks meanwhile: who saw it
        run, and then finds that nobody works on it, would try it again.
        """
        with alone(self._turn):
            with suppress(optuna.exceptions.UpdateFinishedTrialError):
                self.storage.set_trial_user_attr(number, FACTS, _as_json(facts))
                self.storage.set_trial_state_values(number, state, values)
            self._owners.leave(number)

    def close(self) -> None:
        """Leave what is being tried to others."""
        self._owners.close()
        self.storage.close()


def _software() -> dict[str, Any]:
    return {"optuna": optuna.__version__, "framework": installed_version()}


def _as_json(value: Any) -> Any:
    """What JSON has no word for as text: a journal is read by others, too."""
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
