"""What the rules of the run and checkpoint stages see: planned steps, and the evidence that each left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from framework.conformance import Finding, Rule, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.evidence.bundles.left_out import NOT_IN_BUNDLE, is_left_out
from framework.evidence.forms.weights import WeightsFile
from framework.evidence.record import ADOPTED, EVENTS, MODEL, RECORD, RECORDED, STEPS, read_lines
from framework.evidence.store import Run, shown
from framework.evidence.typed.line_shapes import EventLine, StepLine, held_to
from framework.locations import Location
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.sections.root import Manifest
from framework.planning.build import Plan
from framework.planning.fact_places import clause_of, clauses_below
from framework.planning.steps import Step, Training


class NotRecorded(Exception):
    """The evidence does not say; the message tells what is missing."""


@dataclass(frozen=True, slots=True)
class Other:
    """A finished run of a step, made of local files that hold something else now: ``changed`` names these. Of those
    that are ``unknown`` the run did not record the content; with neither, what it starts from is such a run."""

    run: Run
    changed: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why it is not the evidence of the step."""
        if self.changed:
            return f"its finished run is of other files: {several(self.changed)}"
        if self.unknown:
            return f"its finished run did not record the content of {several(self.unknown)}"
        return "its finished run starts from a run of other files"


def several(names: Sequence[str]) -> str:
    """The first of several names, and how many there are beside."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


@dataclass(frozen=True)
class Observed:
    """A planned step and its finished run, if there is one that can be read; ``damage`` says what cannot. Without a
    run, ``other`` is one of other files.

    The step is that of the variants which the run is evidence of: of a step that several share, each may have a run of
    its own. ``elsewhere`` are then those variants that have one where these have none. ``counts`` says whether the
    step's results are those of this run: one that lies beside it is held as well, and gives none.
    """

    step: Step
    run: Run | None
    damage: str | None = None
    word: str = "not run"
    """The state of the step's run."""
    other: Other | None = None
    elsewhere: tuple[str, ...] = ()
    counts: bool = True
    known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What reading its files told, by what was asked: each file is read once for all of it."""

    @property
    def absent(self) -> str:
        """Why there is no run to look at."""
        if self.damage:
            return f"damaged: {self.damage}"
        other = f" ({self.other.reason})" if self.other else ""
        other += f"; a run of {', '.join(self.elsewhere)} is no evidence of it" if self.elsewhere else ""
        return f"{self.word}: {self.step.label}{other}"

    @cached_property
    def trace(self) -> list[dict[str, Any]]:
        """One line for each optimizer step; of a run that another program logged, for each that it logged.

        Raises:
            InputError: a line is not one, or lacks what every line has.
        """
        assert self.run is not None
        lines = held_to(read_lines(self.run.folder / STEPS), self.place(STEPS).file, StepLine)
        for number, line in enumerate(lines, 1):
            for name in ("step", "learning_rate", "samples"):
                if self.logged and name != "step" and name not in line:
                    continue
                if type(line.get(name)) not in (int, float):
                    raise InputError.at(self.place(STEPS, number), f"a line without a number as its {name!r}")
            if not self.logged and (type(line["step"]) is not int or line["step"] < 1):
                raise InputError.at(self.place(STEPS, number), f"no optimizer step: {line['step']}")
        return lines

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """What happened beside the steps.

        Raises:
            InputError: a line is none, or an evaluation has something else than figures.
        """
        assert self.run is not None
        return held_to(read_lines(self.run.folder / EVENTS), self.place(EVENTS).file, EventLine)

    @property
    def facts(self) -> dict[str, Any]:
        """What the record says that was observed."""
        return {} if self.run is None else self.run.record.observed

    @property
    def logged(self) -> bool:
        """Whether a program of the user's own trained, and what is known of it is what it logged."""
        return "command" in self.facts or self.adopted or self.scripted

    @property
    def adopted(self) -> bool:
        """Whether the run was made elsewhere, and taken in as evidence."""
        return ADOPTED in self.facts

    @property
    def scripted(self) -> bool:
        """Whether the user's own script recorded the run: then the optimizer itself was looked at, step by step."""
        return RECORDED in self.facts

    @cached_property
    def tensors(self) -> WeightsFile:
        """The saved weights, by the names that the model has for them, whatever form they lie in."""
        assert self.run is not None
        path = self.run.folder / MODEL / "model.safetensors"
        if not path.is_file():
            why = NOT_IN_BUNDLE if is_left_out(path) else "its saved model is gone"
            raise NotRecorded(f"{self.step.label}: {why}")
        return WeightsFile(path)

    def recorded(self, *path: str) -> Any:
        """A recorded fact, by its path in the record.

        Raises:
            NotRecorded: the record has none there.
        """
        assert self.run is not None
        value: Any = getattr(self.run.record, path[0])
        for part in path[1:]:
            if not isinstance(value, dict) or part not in value:
                raise NotRecorded(f"the run recorded no {'.'.join(path)}")
            value = value[part]
        return value

    def place(self, name: str = RECORD, line: int = 1) -> Location:
        run = self.run or (self.other.run if self.other else None)
        assert run is not None
        return Location(f"{shown(run.folder)}/{name}", line, 1)


def recorded(*path: str) -> Callable[[Observed], Any]:
    """An observation that is one recorded fact; see :meth:`Observed.recorded`."""
    return lambda observed: observed.recorded(*path)


class Related:
    """The evidence of the steps that others start from, or refer to: of each variant its own."""

    def __init__(self, manifest: Manifest, steps: Iterable[Observed] = ()):
        self._variants = manifest.variants
        self._own: dict[tuple[str, str], Observed] = {}
        self._first: dict[str, Observed] = {}
        for each in steps:
            self.add(each)

    def add(self, observed: Observed) -> None:
        if observed.counts:
            self._own |= {(observed.step.key, variant): observed for variant in observed.step.variants}
            self._first.setdefault(observed.step.key, observed)

    def of(self, key: str, variant: str) -> Observed:
        """The evidence of a planned step, as a variant has it, or the nearest one that this starts from."""
        at: str | None = variant
        while at is not None and (key, at) not in self._own:
            at = self._variants[at].from_
        return self._first[key] if at is None else self._own[key, at]

    def each(self) -> Iterable[Observed]:
        """All of it, one for each planned step."""
        return self._first.values()

    def parent(self, observed: Observed) -> Observed | None:
        """The evidence of the step whose checkpoint a step starts from; None for one that starts from no other."""
        return None if observed.step.parent is None else self.of(observed.step.parent, observed.step.variant)


@dataclass
class EvidenceContext:
    """What the rules of the run and checkpoint stages see."""

    experiment: Experiment
    judge: Judge
    plan: Plan
    steps: list[Observed]
    stage: Stage
    related: Related
    """Every planned step, those that are not held included."""
    measures: list[Observed] = field(default_factory=list)
    """The measuring steps; ``steps`` are the others, which leave a model."""

    def trainings(self) -> Iterator[tuple[Observed, Training]]:
        for observed in self.steps:
            if isinstance(observed.step.work, Training):
                yield observed, observed.step.work

    def clause(self, step: Step, fact: str) -> Clause | None:
        """The clause that states a fact of a training step: the variant's own, else the task's, else the phase's."""
        return clause_of(self.experiment, step.places, step.name, step.task, fact)

    def clauses_below(self, step: Step, fact: str) -> list[Clause]:
        """The clauses that state a fact of a training step, or a part of it."""
        return clauses_below(self.experiment, step.places, step.name, step.task, fact)

    def hold(
        self,
        rule: Rule,
        observed: Observed,
        clause: Clause | None,
        expected: Any,
        observe: Callable[[Observed], Any],
        what: str,
        place: str = RECORD,
        folded: bool = False,
    ) -> Iterator[Verdict]:
        """Hold one observation to one clause; nothing where the manifest is silent.

        ``observe`` reads what was seen off the evidence, or raises :class:`NotRecorded`.
        """
        if clause is None:
            return
        if observed.run is None:
            yield self.judge.unverified(clause, self.stage, observed.absent)
            return
        where = observed.place(place)
        try:
            seen = observe(observed)
        except NotRecorded as missing:
            yield self.judge.unverified(clause, self.stage, str(missing), where.file)
            return
        if same(expected, seen, folded):
            yield self.judge.conforms(clause, self.stage, f"{what}: {said(seen)}", where.file)
            return
        yield self.violated(
            rule, clause, f"{observed.step.label}: {what} was {said(seen)}, not {said(expected)}", expected, seen, where
        )

    def violated(
        self,
        rule: Rule,
        clause: Clause,
        message: str,
        expected: Any = None,
        actual: Any = None,
        where: Location | None = None,
    ) -> Verdict:
        finding = Finding(rule, message, clause.id, expected, actual, where, clause.location)
        return self.judge.violated(clause, finding, where.file if where else None)
