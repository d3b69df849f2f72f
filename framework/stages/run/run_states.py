"""The state of each planned step's run, and of each run that lies there: what every command shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from framework.adoption.adopted_runs import (
    NAMING,
    RunsOfVariants,
    how_made,
    origins_of,
    runs_of_variants,
    unfinished_attempts,
)
from framework.errors import InputError
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.standing.run_state import State, Word, executed_now, on_disk, unreadable
from framework.evidence.store import Run, RunStore
from framework.planning.build import Plan
from framework.planning.identity import elsewhere
from framework.planning.reasons import Reasons, place_of, shares, why_anew
from framework.planning.steps import Measure, Step
from framework.searching.studies import beside
from framework.searching.trials import RunsOfTrials, runs_of_trials
from framework.stages.run.measured_runs import measured_runs

MADE_HERE_FIRST = "a run made here would go before"
ANOTHER_MACHINE = "measured on another machine; a run here measures this one"


class RunStates:
    """The states of a plan's runs; the runs are read once."""

    def __init__(self, plan: Plan, store: RunStore):
        self._plan, self._store = plan, store
        self._reasons = Reasons(store)

    def of(self, step: Step) -> State:
        """The state of a step's run, or why it has none; of a step of some variants only, that of these."""
        folder = self._store.folder(self._steps.get(step.key, step).folder)  # that of all its variants
        own = self._store.find(step.key)
        state = on_disk(own) if own is not None else executed_now(folder)
        if state is not None and state.word in (Word.DONE, Word.DAMAGED, Word.RUNNING):
            return state
        if (measured := self._measured.get(step.key)) is not None:
            return replace(on_disk(measured), why=ANOTHER_MACHINE, to_run=True)
        if (made_elsewhere := self._made_elsewhere(step)) is not None:
            return made_elsewhere
        if state is not None:
            return state
        if (attempted := self._attempted(step)) is not None:
            return attempted
        if (torn := next(self._store.unreadable(self._store.folders_of(step.key)), None)) is not None:
            return unreadable(*torn)
        why = self._reasons.of(step)
        return State(Word.NOT_RUN if why == "new" else Word.STALE, why, to_run=True)

    def of_run(self, run: Run) -> State:
        """The state of a run that lies there, planned or not."""
        record, state = run.record, on_disk(run)
        if state.word is Word.RUNNING or record.key in self._steps:
            return state
        near = [step for step in self._by_place.get(place_of(record), ()) if shares(record, step)]
        if near and (made := how_made(record)) is not None:
            return replace(state, why=state.why or f"{made}; {self._standing(run, near)}")
        if any(isinstance(step.work, Measure) and elsewhere(record.identity, step.identity) for step in near):
            return replace(state, why=state.why or "measured on another machine")
        if (trial := self.trials.named.get(record.key)) is not None:
            return replace(state, why=f"{trial}: {state.why}" if state.why else trial, to_run=False)
        if not near or not record.identity.keys().isdisjoint(NAMING):
            return replace(state, word=Word.STALE, why="the manifest plans no such run", to_run=False)
        return replace(
            state, word=Word.STALE, why=why_anew([record.identity], [step.identity for step in near]), to_run=False
        )

    def step_of(self, run: Run) -> Step | None:
        """The planned step whose run it is."""
        return self._steps.get(run.record.key)

    def stale(self, stated: Collection[str]) -> list[State]:
        """The states of those runs of the plan's places that are of other values.

        ``stated`` are the manifest's variants: where the plan leaves some out, a run of a stated variant that has no
        step there may be one that is left out."""
        names = set(stated)
        whole = names <= {variant for step in self._plan.steps for variant in step.variants}
        judged: list[Run] = []
        for run in self._store.readable():
            steps = self._by_place.get(place_of(run.record), ())
            near = any(shares(run.record, step) for step in steps)
            if steps and (whole or near or names.isdisjoint(run.record.variants)):
                judged.append(run)
        return [state for state in map(self.of_run, judged) if state.word is Word.STALE]

    @cached_property
    def trials(self) -> RunsOfTrials:
        """The runs of the project's searches, which no plan holds."""
        return runs_of_trials(beside(self._store.root))

    def _made_elsewhere(self, step: Step) -> State | None:
        """The state of the runs that others made of a step's variants: of several, that of the first damaged one."""
        runs = {
            variant: self._named[step.key, variant] for variant in step.variants if (step.key, variant) in self._named
        }
        if not runs:
            return None
        states = [on_disk(of[0]) for of in runs.values()]
        state = next((state for state in states if state.word is Word.DAMAGED), states[0])
        attempted = self._attempted(step)
        later = f"; since then, {attempted.word}: {attempted.why}" if attempted is not None else ""
        why = state.why or f"{origins_of(step.variants, runs)}; {MADE_HERE_FIRST}{later}"
        return replace(state, why=why, to_run=True)

    def _attempted(self, step: Step) -> State | None:
        """The state of a script's own run of a step's variants that is not done: it runs, failed or was cut off."""
        found = (self._attempts.get((step.key, variant), ()) for variant in step.variants)
        last = next((runs[0] for runs in found if runs), None)
        if last is None:
            return None
        state = on_disk(last)
        return replace(state, why=f"{how_made(last.record)}: {state.why}", to_run=True)

    def _standing(self, run: Run, near: Sequence[Step]) -> str:
        """How a run that others made stands to others of the steps that it is of."""
        named = [runs for step in near for variant in step.variants if (runs := self._named.get((step.key, variant)))]
        if all(self._store.finished(step.key) for step in near):
            return "a run made here goes before"
        first = any(runs[0].folder == run.folder for runs in named)
        return MADE_HERE_FIRST if first else "another run goes before"

    @cached_property
    def _steps(self) -> dict[str, Step]:
        return {step.key: step for step in self._plan.steps}

    @cached_property
    def _by_place(self) -> dict[tuple[object, ...], list[Step]]:
        found: dict[tuple[object, ...], list[Step]] = {}
        for step in self._plan.steps:
            place = (step.name, step.model_name, step.task, step.seed, step.profile)
            found.setdefault(place, []).append(step)
        return found

    @cached_property
    def _measured(self) -> dict[str, Run]:
        return measured_runs(self._plan, self._store)

    @cached_property
    def _attempts(self) -> RunsOfVariants:
        return unfinished_attempts(self._plan, self._store)

    @cached_property
    def _named(self) -> RunsOfVariants:
        return runs_of_variants(self._plan, self._store)


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder below the runs that holds a record, readable or not; ``step`` is the planned step that it is of."""

    folder: Path
    record: RunRecord | None
    state: State
    step: Step | None


def listed(store: RunStore, plan_of: Callable[[str | None], Plan | None]) -> Iterator[Listed]:
    """Every run that lies there, by folder, as the plan of its own profile sees it.

    Args:
        plan_of: The whole plan under a profile; None where the manifest has no such profile.
    """
    plans: dict[str | None, RunStates | None] = {}
    for path in sorted(store.root.glob(f"*/{RECORD}")):
        folder = path.parent
        try:
            run = Run(folder, store.read(folder))
        except InputError as failure:
            yield Listed(folder, None, unreadable(folder, failure.problems[0]), None)
            continue
        profile = run.record.profile
        if profile not in plans:
            plan = plan_of(profile)
            plans[profile] = None if plan is None else RunStates(plan, store)
        states = plans[profile]
        if states is None:
            state = replace(on_disk(run), word=Word.STALE, why=f"the manifest has no profile {profile!r}", to_run=False)
            yield Listed(folder, run.record, state, None)
        else:
            yield Listed(folder, run.record, states.of_run(run), states.step_of(run))


def count_words(states: Sequence[State]) -> dict[Word, int]:
    """How many there are of each state, without those that none is in."""
    counts = Counter(state.word for state in states)
    return {word: counts[word] for word in Word if counts[word]}


def counted(states: Sequence[State]) -> str:
    """The same in words."""
    return ", ".join(f"{count:,} {word}" for word, count in count_words(states).items())
