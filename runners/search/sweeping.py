"""Several studies in one pool: which step of which trial may start next, and what became of each trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.locks import only_one
from framework.evidence.record import REMOVED, RunRecord
from framework.evidence.store import Run, RunStore
from framework.manifest.experiment import Experiment
from framework.planning.outcomes import Board, Outcome, Unheard
from framework.planning.steps import Step
from framework.planning.tuned.trial_plans import TrialPlan, basis_of, basis_or_none, first_point, trial_plan
from framework.searching.studies import Study, declared
from framework.searching.trials import read_study
from runners.launchers.pool import Execute, imported, run_scheduled
from runners.launchers.schedule import needs
from runners.progress import Progress, Several
from runners.search.clearing import Clearing
from runners.search.measuring import facts_of, objective_of
from runners.search.pruning import PRUNED, Watching
from runners.search.trying import STATES, Proposal, Tries

Told = Callable[[Study, Proposal, str], None]
"""Is told of each trial that ended: its study, its point, and how it ended in a few words."""


@dataclass(slots=True)
class _Trying:
    """A trial whose runs are executed."""

    study: Study
    tries: Tries
    proposal: Proposal
    plan: TrialPlan
    left: dict[str, Step] = field(default_factory=dict)


class Sweeping:
    """The trials of several studies as what a pool executes: points are proposed when there is room to try them."""

    def __init__(self, experiment: Experiment, studies: Sequence[Study], store: RunStore, told: Told | None = None):
        """
        Raises:
            UsageError: a stored study is another than the one that is asked for.
            InputError: what is searched cannot be executed.
        """
        self.experiment, self.store = experiment, store
        self._told = told or (lambda study, proposal, text: None)
        self._studies = [(study, self._opened(study)) for study in studies]
        seeds = experiment.manifest.seeds
        self._clearing = {
            study.label: Clearing(study.search, store, study.search.production_seeds or seeds) for study in studies
        }
        for study, tries in self._studies:
            self._clear(study, tries)
        self._trying: list[_Trying] = []
        self._running: dict[str, _Trying] = {}
        self._finished: set[str] = set()

    def _opened(self, study: Study) -> Tries:
        path = study.path(self.experiment.root)
        stored = read_study(path)
        point = stored.declared.get("reference") if stored else None
        basis = basis_or_none(self.experiment, study, point) if point else None
        if point is None or basis is None:
            point = first_point(study.search)
            basis = basis_of(self.experiment, study, point)
        return Tries(study.search, path, {**declared(study, basis), "reference": point}, study.label)

    def next(self, idle: bool = True) -> Step | None:
        """The next step that may start, of a trial that is being tried or of a new one."""
        while (step := self._ready()) is None:
            if not self._begun():
                if self._running or not self._trying:
                    return None
                time.sleep(0.2)  # all that is left is being executed by other processes
        return step

    def _ready(self) -> Step | None:
        for trying in list(self._trying):
            for key, step in list(trying.left.items()):
                if key in self._finished or self._there(step, trying):
                    del trying.left[key]
                elif not (
                    key in self._running or any(need in trying.left for need in needs(step)) or self._taken(step)
                ):
                    self._running[key] = trying
                    return step
            if not trying.left:
                self._ended(trying)
        return None

    def _there(self, step: Step, trying: _Trying) -> Run | None:
        """The finished run of a step; of a trial's last one the record is enough."""
        if step in trying.plan.final:
            run = self.store.finished(step.key)
            return run if run is not None and REMOVED in run.record.observed else self.store.done(step.key)
        return self.store.done(step.key)

    def _clear(self, study: Study, tries: Tries) -> None:
        self._clearing[study.label].clear(tries.trials(), STATES)

    def _taken(self, step: Step) -> bool:
        """Whether another process executes a step at this moment: what trials share is done once."""
        try:
            with only_one(self.store.root / ".locks" / step.folder, step.label):
                return False
        except FrameworkError:
            return True

    def _begun(self) -> bool:
        """Whether a study had one more point to try."""
        for place, (study, tries) in enumerate(self._studies):
            if (proposal := tries.propose()) is None:
                continue
            # The next one is asked first then, so that all studies advance alike.
            self._studies.append(self._studies.pop(place))
            try:
                plan = trial_plan(self.experiment, study, proposal.point)
            except FrameworkError as problem:
                self._lost(study, tries, proposal, str(problem))
                return True
            left = {step.key: step for step in plan.steps}
            self._trying.append(_Trying(study, tries, proposal, plan, left))
            return True
        return False

    def finish(self, step: Step) -> None:
        """A run of a trial is done."""
        self._running.pop(step.key, None)
        self._finished.add(step.key)
        for trying in list(self._trying):
            trying.left.pop(step.key, None)
            if not trying.left:
                self._ended(trying)

    def fail(self, step: Step) -> Iterator[Step]:
        """A run of a trial failed, or was ended because others did better: all trials that need it end."""
        self._running.pop(step.key, None)
        for trying in [each for each in self._trying if step.key in each.left]:
            self._trying.remove(trying)
            proposal, tries = trying.proposal, trying.tries
            pruned = tries.trials()[proposal.number].user_attrs.get(PRUNED)
            run = self.store.find(step.key)
            if pruned is not None:
                facts = {"runs": [step.key], "pruned": pruned, "optimizer_steps": pruned["step"]}
                tries.prune(proposal.number, facts | ({"hours": _hours(run.record)} if run else {}))
                self._told(trying.study, proposal, f"pruned after evaluation {pruned['evaluation']}")
                self._clear(trying.study, tries)
                continue
            error = (run.record.error if run else None) or "its run failed"
            if proposal.attempts < trying.study.search.failures.retries:
                tries.attempted(proposal.number, proposal.attempts + 1)
                again = Proposal(proposal.number, proposal.point, proposal.attempts + 1)
                left = {each.key: each for each in trying.plan.steps}
                self._trying.append(_Trying(trying.study, tries, again, trying.plan, left))
                self._told(trying.study, proposal, f"failed, tried again: {error}")
            else:
                self._lost(trying.study, tries, proposal, error, {"runs": [step.key]})
        return iter(())

    def _lost(self, study: Study, tries: Tries, proposal: Proposal, error: str, facts: Any = None) -> None:
        tries.fail(proposal.number, error, facts)
        self._told(study, proposal, f"failed: {error}")
        self._clear(study, tries)

    def _ended(self, trying: _Trying) -> None:
        """All runs of a trial are done: what they measured is its value."""
        self._trying.remove(trying)
        search, proposal = trying.study.search, trying.proposal
        try:
            runs = {step.key: self._run(step, trying) for step in trying.plan.steps}
            final = [runs[step.key] for step in trying.plan.final]
            facts = facts_of(search, list(runs.values()), final)
            value = objective_of(search, facts)
        except FrameworkError as problem:
            self._lost(trying.study, trying.tries, proposal, str(problem))
            return
        counts = trying.tries.complete(proposal.number, value, facts)
        said = f"{search.metric_name} {value:.6g}" if counts else f"failed: the objective is {value}"
        self._told(trying.study, proposal, said)
        self._clear(trying.study, trying.tries)

    def _run(self, step: Step, trying: _Trying) -> Run:
        run = self._there(step, trying)
        if run is None:
            raise FrameworkError(f"{step.label}: its run is not there any more")
        return run

    def watched(self, execute: Execute) -> Execute:
        """The execution of a step, whose evaluations are reported where its search prunes."""

        def execute_watched(step: Step, store: RunStore, project: Path, progress: Progress) -> Any:
            trying = self._running.get(step.key)
            if trying is None or trying.study.search.pruning is None or step not in trying.plan.final:
                return execute(step, store, project, progress)
            journal = trying.study.path(self.experiment.root)
            watching = Watching(trying.study.search, journal, trying.proposal.number)
            return execute(step, store, project, Several([progress, watching]))

        return execute_watched

    def close(self) -> None:
        """Leave unfinished trials to whoever goes on."""
        for _, tries in self._studies:
            tries.close()


def sweep(
    experiment: Experiment,
    studies: Sequence[Study],
    jobs: int = 1,
    board: Board | None = None,
    told: Told | None = None,
    execute: Execute | None = None,
) -> Iterator[Outcome]:
    """Search until all budgets are spent, with at most ``jobs`` runs at a time, each in a process of its own.

    It may be killed at any moment: the same call goes on with the trials that were begun, and repeats no point. Other
    processes may search the same studies at the same time.

    Raises:
        UsageError: a stored study is another than the one that is asked for.
        InputError: what is searched cannot be executed.
    """
    store = RunStore(experiment.runs)
    sweeping = Sweeping(experiment, studies, store, told)
    try:
        work = sweeping.watched(execute or imported())
        yield from run_scheduled(sweeping, store, experiment.root, board or Unheard(), jobs, work)
    finally:
        sweeping.close()


def _hours(record: RunRecord) -> float:
    return (record.seconds or 0.0) / 3600 * float(record.observed.get("processes", 1))
