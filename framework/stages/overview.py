"""How it stands with a project: what is stated, bound, planned, done, failed, drifted, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from framework.conformance import Severity
from framework.conformance.finding import Finding
from framework.errors import InputError, Problem
from framework.evidence.standing.run_state import State, Word
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.sharing import declared_runs, distinct_runs
from framework.planning.steps import Step
from framework.planning.tuned.order import order_of
from framework.stages.check import CheckResult, check
from framework.stages.run.run_states import RunStates, count_words


@dataclass(frozen=True)
class Overview:
    """What is known of a project without reading a checkpoint.

    ``refused`` says why the config files could not be held, or no plan be made, where that is so; ``searches`` are as
    :func:`framework.planning.tuned.order.order_of` tells them.
    """

    experiment: Experiment
    plan: Plan
    checked: CheckResult | None
    refused: list[Problem]
    states: list[tuple[Step, State]]
    stale: list[State]
    searches: list[dict[str, Any]] = field(default_factory=list)

    @property
    def drifted(self) -> list[Finding]:
        """What makes `framework check` fail."""
        found = self.checked.findings if self.checked else []
        return [finding for finding in found if finding.severity is Severity.ERROR]

    @property
    def stated(self) -> dict[str, int]:
        """How much the manifest states, by kind, without what it states none of."""
        stated = self.experiment.stated
        counts = {"variants": len(stated.variants), "phases": len(stated.phases), "models": len(stated.models)}
        tasks = {task for phase in stated.phases.values() for task in phase.tasks}
        counts |= {"tasks": len(tasks), "seeds": len(stated.seeds), "searches": len(stated.searches)}
        counts |= {"claims": len(stated.claims)}
        clauses = sum(not clause.added for clause in self.experiment.clauses)
        return {name: count for name, count in {**counts, "clauses": clauses}.items() if count}

    @property
    def counts(self) -> dict[Word, int]:
        """How many steps of the plan are in each state."""
        return count_words([state for _, state in self.states])

    def of(self, *words: Word) -> Iterator[tuple[Step, State]]:
        return ((step, state) for step, state in self.states if state.word in words)

    @property
    def next(self) -> str:
        """The command that comes next; empty where nothing is left to do but to write."""
        if self.refused or self.drifted:
            return "framework check"
        if any(self.of(Word.DAMAGED)):
            return "framework verify"
        if any(self.of(Word.RUNNING)):
            return "framework watch"
        waiting = next((row["next"] for row in self.searches if row["next"]), None)
        if waiting is not None:
            return str(waiting)
        profile = f" --profile {self.experiment.profile}" if self.experiment.profile else ""
        if any(state.to_run for _, state in self.states):
            return f"framework run --all{profile}"
        return f"framework verify{profile}"

    def as_dict(self) -> dict[str, Any]:
        runs = {"declared": declared_runs(self.plan), "distinct": distinct_runs(self.plan)}
        return {
            "manifest": str(self.experiment.path),
            "profile": self.experiment.profile,
            "stated": self.stated,
            "config": self.checked.summary() if self.checked else None,
            "refused": [str(problem) for problem in self.refused],
            "drifted": [finding.as_dict() for finding in self.drifted],
            "planned": {"steps": len(self.states), **runs},
            "runs": {str(word): count for word, count in self.counts.items()},
            "steps": [
                {"step": step.label, "folder": step.folder, "status": str(state.word), "why": state.why}
                for step, state in self.of(Word.RUNNING, Word.FAILED, Word.CUT_OFF, Word.DAMAGED)
            ],
            "stale": len(self.stale),
            "searches": self.searches,
            "next": self.next,
        }


def overview(experiment: Experiment, planned: Callable[[], Plan]) -> Overview:
    """Look at a project once; a plan that cannot be made is one of nothing, and the reason is told.

    Raises:
        UsageError: the selection names what the manifest does not state.
        InputError: a study cannot be read.
    """
    checked, plan = None, Plan(())
    refused: dict[Problem, None] = {}
    try:
        checked = check(experiment) if experiment.stated.configs else None
    except InputError as failure:
        refused |= dict.fromkeys(failure.problems)
    try:
        plan = planned()
    except InputError as failure:
        refused |= dict.fromkeys(failure.problems)
    runs = RunStates(plan, RunStore(experiment.runs, listed=True))
    states = [(step, runs.of(step)) for step in plan.steps]
    searches = list(order_of(experiment, plan)) if experiment.manifest.searches else []
    return Overview(experiment, plan, checked, list(refused), states, runs.stale(experiment.stated.variants), searches)
