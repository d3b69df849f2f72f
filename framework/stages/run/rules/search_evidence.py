"""Searches, held to their trials and to the production that rests on them: by times, values and digests, not names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.clauses import Clause
from framework.manifest.searched.value_sets import outside, same_value
from framework.names import Path
from framework.searching.foreign.reading import shown_path, stored_of
from framework.searching.optimum import Optimum, optimum_of, path_of, read_optima
from framework.searching.selecting import edges, selected
from framework.searching.spending import End, is_over, progress, used
from framework.searching.studies import Study, all_studies, changed, declared
from framework.searching.trials import StoredStudy
from framework.stages.run.observed import EvidenceContext, Observed

OTHER_SEARCH = Rule("R150", "other-search", Severity.ERROR, Stage.RUN, "trials are of another search than is declared")
BEFORE_CHOICE = Rule(
    "R151",
    "production-before-choice",
    Severity.ERROR,
    Stage.RUN,
    "a production run began before its values were chosen",
)
OTHER_CHOICE = Rule(
    "R152", "choice-not-reproduced", Severity.ERROR, Stage.RUN, "the trials give another optimum than was written"
)
OUTSIDE = Rule(
    "R153", "optimum-outside", Severity.ERROR, Stage.RUN, "an optimum, or a trial, lies outside the declared space"
)
AT_EDGE = Rule("R154", "optimum-at-edge", Severity.WARNING, Stage.RUN, "an optimum lies at an end of what was searched")
UNEQUAL_SPENT = Rule(
    "R155", "unequal-tuning-spent", Severity.ERROR, Stage.RUN, "compared methods were tuned with different efforts"
)
SUSPECT = Rule(
    "R156", "suspect-value", Severity.WARNING, Stage.RUN, "a trial's value looks like a number that was none"
)
MIXED_LENGTHS = Rule(
    "R157",
    "early-stopped-among-whole",
    Severity.WARNING,
    Stage.RUN,
    "trials that stopped early are compared with whole ones",
)
RANDOM_ONLY = Rule(
    "R158", "search-was-random", Severity.WARNING, Stage.RUN, "a TPE search ended within its random trials"
)
SEEDS_LEFT_OUT = Rule(
    "R159", "seeds-left-out", Severity.ERROR, Stage.RUN, "production is reported over other seeds than declared"
)
UNSWEPT = Rule("R161", "unswept-production", Severity.WARNING, Stage.RUN, "production was started without its search")
_HUGE = 1e300


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    if not experiment.manifest.searches:
        return
    optima = read_optima(path_of(experiment.root, experiment.declared_profile))
    efforts: dict[tuple[str, str | None, str], list[tuple[Study, StoredStudy]]] = {}
    for study in all_studies(experiment):
        held = _Held(context, study, optimum_of(study, optima))
        try:
            stored = stored_of(study, experiment.root)
        except InputError as failure:
            problem = failure.problems[0]
            yield Finding(
                OTHER_SEARCH, problem.message, location=problem.location, advice="move it away, and search anew"
            )
            continue
        yield from held.all(stored)
        if stored is not None and is_over(study.search, stored):
            efforts.setdefault((study.search.phase, study.task, study.model), []).append((study, stored))
    for compared in efforts.values():
        yield from _unequal(context, compared)


class _Held:
    """One study, point by point."""

    def __init__(self, context: EvidenceContext, study: Study, optimum: Optimum | None):
        self.context, self.study, self.optimum = context, study, optimum
        self.file = shown_path(study, context.experiment.root)
        self.place = Location(self.file, 1, 1)

    def all(self, stored: StoredStudy | None) -> Iterator[Verdict]:
        if stored is None:
            for clause in self.context.experiment.below(("searches", self.study.name)):
                yield self.context.judge.unverified(clause, Stage.RUN, f"not searched: {self.study.label}")
        else:
            yield from self._declared(stored)
            yield from self._trials(stored)
            if self.optimum is not None:
                yield from self._chosen(stored, self.optimum)
        yield from self._production()

    def _declared(self, stored: StoredStudy) -> Iterator[Verdict]:
        differences = changed(declared(self.study, stored.declared.get("basis", "")), stored.declared)
        if differences:
            message = f"{self.study.label}: its trials are of another search: {'; '.join(differences)}"
            yield self.violated(OTHER_SEARCH, (), message)
            return
        count = f"{len(stored.trials)} trials, {progress(self.study.search, stored)}"
        for clause in self.context.experiment.below(("searches", self.study.name)):
            yield self.context.judge.conforms(clause, Stage.RUN, f"{self.study.label}: {count}", self.file)

    def _trials(self, stored: StoredStudy) -> Iterator[Verdict]:
        search = self.study.search
        strangers = [trial for trial in stored.trials if outside(search.dimensions, trial.point)]
        if strangers:
            key, why = next(iter(outside(search.dimensions, strangers[0].point).items()))
            message = (
                f"{self.study.label}: {len(strangers)} of {len(stored.trials)} trials are outside the declared space, "
            )
            message += f"such as trial {strangers[0].number}: {key}: {why}"
            yield self.violated(OUTSIDE, ("space", key), message, strangers[0].point.get(key))
        for trial in stored.trials:
            if trial.state == "completed" and (trial.value == 0.0 or abs(trial.value or 0.0) > _HUGE):
                message = f"{self.study.label}: trial {trial.number} has {trial.value!r}, as some tools write no number"
                yield self.violated(SUSPECT, ("objective",), message, trial.value)
        short = [bool(trial.facts.get("stopped_early")) for trial in stored.trials if trial.state == "completed"]
        if any(short) and not all(short):
            message = f"{self.study.label}: {sum(short)} of {len(short)} trials stopped early, beside whole ones"
            yield self.violated(MIXED_LENGTHS, ("selection",), message)
        learned_from = stored.count("completed") + stored.count("pruned")
        if search.sampling.name == "tpe" and is_over(search, stored) and learned_from <= search.sampling.startup_trials:
            message = f"{self.study.label}: its {learned_from} trials are all random ones, before TPE begins"
            yield self.violated(RANDOM_ONLY, ("sampler",), message)

    def _chosen(self, stored: StoredStudy, optimum: Optimum) -> Iterator[Verdict]:
        search = self.study.search
        out = outside(search.dimensions, optimum.values)
        for key, why in out.items():
            message = (
                f"{self.study.label}: {key} = {said(optimum.values.get(key))} is outside the declared space: {why}"
            )
            yield self.violated(OUTSIDE, ("space", key), message, optimum.values.get(key), optimum.location)
        choice = selected(search, stored)
        if choice.trial is None or choice.trial.number != optimum.entry["chosen"]["trial"]:
            now = "none" if choice.trial is None else f"trial {choice.trial.number}"
            message = (
                f"{self.study.label}: its trials give {now}, and trial {optimum.entry['chosen']['trial']} was chosen"
            )
            yield self.violated(OTHER_CHOICE, ("selection",), message, where=optimum.location)
            return
        if not _alike(choice.trial.point, optimum.values):
            message = f"{self.study.label}: trial {choice.trial.number} has other values than were written"
            yield self.violated(OTHER_CHOICE, ("selection",), message, where=optimum.location)
        for key, end in edges(search, choice.trial).items() if not out else ():
            message = f"{self.study.label}: {key} = {said(optimum.values[key])} lies at the {end} end of its range"
            yield self.violated(AT_EDGE, ("space", key), message, optimum.values[key], optimum.location)

    def _production(self) -> Iterator[Verdict]:
        steps = [
            observed
            for observed in self.context.steps
            if (observed.step.name, observed.step.task, observed.step.model_name)
            == (self.study.search.phase, self.study.task, self.study.model)
            and self.study.variant in observed.step.variants
        ]
        done = [observed for observed in steps if observed.run is not None]
        for observed in done:
            yield from self._one(observed)
        if done and len(done) < len(steps):
            there, wanted = (sorted({each.step.seed for each in some}) for some in (done, steps))
            message = (
                f"{self.study.label}: there are results of the seeds {said(there)}, and {said(wanted)} are declared"
            )
            where = done[0].place()
            clause = self.context.experiment.by_path.get(("seeds",))
            finding = Finding(SEEDS_LEFT_OUT, message, clause.id if clause else None, wanted, there, where,
                              clause.location if clause else None, "run every declared seed")  # fmt: skip
            if clause is not None:
                yield self.context.judge.violated(clause, finding, where.file)

    def _one(self, observed: Observed) -> Iterator[Verdict]:
        assert observed.run is not None
        record = observed.run.record
        for deviation in record.deviations:
            if deviation.get("kind") == "unswept":
                message = f"{observed.step.label} was allowed without its search: {deviation['reason']}"
                yield self.violated(UNSWEPT, (), message, where=observed.place())
        if self.optimum is None or record.started is None:
            return
        begun, chosen = _moment(record.started), _moment(self.optimum.written)
        clause = self._clause(("selection",))
        if begun is None or chosen is None:
            yield self.context.judge.unverified(clause, Stage.RUN, f"{observed.step.label} does not say when it began")
        elif math.floor(begun.timestamp()) < math.floor(chosen.timestamp()):
            message = (
                f"{observed.step.label} began at {record.started}, and its values were chosen at {self.optimum.written}"
            )
            yield self.violated(BEFORE_CHOICE, ("selection",), message, record.started, observed.place())
        else:
            reason = f"{observed.step.label} began after its values were chosen ({self.optimum.written})"
            yield self.context.judge.conforms(clause, Stage.RUN, reason, observed.place().file)

    def _clause(self, path: Path) -> Clause:
        experiment = self.context.experiment
        for length in range(len(path), -1, -1):
            if found := experiment.below(("searches", self.study.name, *path[:length])):
                return found[0]
        raise AssertionError("a search states something")

    def violated(
        self, rule: Rule, path: Path, message: str, actual: object = None, where: Location | None = None
    ) -> Verdict:
        """A verdict about the search's clause at a path, or near it."""
        return self.context.violated(rule, self._clause(path), message, None, actual, where or self.place)


def _unequal(context: EvidenceContext, compared: list[tuple[Study, StoredStudy]]) -> Iterator[Verdict]:
    """What was spent on methods that are compared, in the declared unit."""
    for (one, first), (other, second) in combinations(compared, 2):
        units = [study.search.budget.unit if study.search.budget else "completed_trials" for study in (one, other)]
        if units[0] != units[1]:
            continue  # the statement itself is no comparison: M204
        spent = [_spent(study, stored) for study, stored in ((one, first), (other, second))]
        # A trial cannot be cut in the middle: budgets in steps and hours are reached within one.
        slack = 0.0 if units[0] == "completed_trials" else 0.05 * max(spent)
        if abs(spent[0] - spent[1]) > slack:
            unit = units[0].replace("_", " ")
            message = f"{one.label} was tuned with {spent[0]:g} {unit}, and {other.label} with {spent[1]:g}"
            yield _Held(context, other, None).violated(UNEQUAL_SPENT, ("budget",), message, spent[1])


def _spent(study: Study, stored: StoredStudy) -> float:
    return used(study.search, [End(trial.state, trial.facts) for trial in stored.trials])


def _alike(one: dict[str, object], other: dict[str, object]) -> bool:
    return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
