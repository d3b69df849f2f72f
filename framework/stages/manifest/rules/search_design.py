"""Searches whose design cannot answer what they are made for: which method is better, each at its best."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import Clause
from framework.manifest.hyperparameters import same_metric
from framework.manifest.searched.covered_steps import tasks_of, variants_of
from framework.manifest.searched.value_sets import size_of
from framework.manifest.sections.phases import LENGTHS
from framework.manifest.sections.searching.searches import Search
from framework.manifest.sections.values.stated_metrics import Metric, falls, name_of
from framework.manifest.sections.variants import phase_of
from framework.names import Path
from framework.stages.manifest.context import ManifestContext

SEED_SEARCHED = Rule("M200", "seed-searched", Severity.ERROR, Stage.MANIFEST, "a seed is among what is searched")
SHARED_SEED = Rule(
    "M201", "search-seed-reported", Severity.ERROR, Stage.MANIFEST, "a seed of the search is one of production, too"
)
SELECTED_ON_TEST = Rule(
    "M202",
    "selected-on-reported-data",
    Severity.ERROR,
    Stage.MANIFEST,
    "a search selects on other data than validation",
)
OTHER_METRIC = Rule(
    "M203", "search-metric", Severity.ERROR, Stage.MANIFEST, "searched, selected and reported is not one metric"
)
UNEQUAL = Rule(
    "M204", "unequal-tuning", Severity.ERROR, Stage.MANIFEST, "compared methods are tuned with different budgets"
)
UNTUNED = Rule("M205", "untuned-method", Severity.WARNING, Stage.MANIFEST, "one of the compared methods is not tuned")
ALL_RANDOM = Rule(
    "M206", "search-all-startup", Severity.WARNING, Stage.MANIFEST, "a TPE search whose trials are all random ones"
)
CUT_GRID = Rule(
    "M207", "grid-cut-short", Severity.WARNING, Stage.MANIFEST, "a budget ends a grid before its last point"
)
PROXY = Rule(
    "M208",
    "search-of-shorter-runs",
    Severity.WARNING,
    Stage.MANIFEST,
    "trials train for another length than production",
)
PRODUCTION_SEEDS = Rule(
    "M209",
    "production-seeds",
    Severity.ERROR,
    Stage.MANIFEST,
    "a search speaks of other production seeds than there are",
)
_VALIDATION = ("validation", "valid", "val", "dev", "development")
_UNEQUAL_ADVICE = "give both the same budget in one unit, over as many search seeds, or say why not in a waiver"


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for name, search in context.experiment.stated.searches.items():
        yield from _Held(context, name, search).all()
    yield from _compared(context)


class _Held:
    """One search, point by point."""

    def __init__(self, context: ManifestContext, name: str, search: Search):
        self.context, self.name, self.search = context, name, search
        self.experiment = context.experiment

    def all(self) -> Iterator[Verdict]:
        yield from self._seeds()
        yield from self._selection()
        yield from self._metric()
        yield from self._budget()
        changed = [key for key in self.search.set if key.partition(".")[0] in (*LENGTHS, "early_stopping")]
        for key in changed:
            message = f"trials of {self.name} have another {key} than production: the best there need not be the best"
            yield self.violated(PROXY, ("set", key), message, advice="search at the length of production")

    def _seeds(self) -> Iterator[Verdict]:
        for key in self.search.dimensions:
            if any(word in ("seed", "seeds") for word in key.rpartition(".")[2].lower().split("_")):
                message = f"{self.name} searches {key}: over seeds a result varies, the best of them is luck"
                section = "space" if self.search.space is not None else "best_of"
                yield self.violated(SEED_SEARCHED, (section, key), message, advice="leave it out; give `seeds`")
        reported = list(self.experiment.stated.seeds)
        stated = self.search.production_seeds
        both = sorted(set(self.search.seeds) & set(stated or reported))
        if both:
            message = f"{self.name} searches with the seeds {said(both)}, which production reports as well"
            advice = "search with other seeds: what was chosen at a seed looks better at it"
            yield self.violated(SHARED_SEED, ("seeds",), message, None, self.search.seeds, advice)
        else:
            yield self.conforms(("seeds",), f"search seeds {said(self.search.seeds)} are none of production's")
        if stated is not None and sorted(stated) != sorted(reported):
            message = f"{self.name} speaks of the production seeds {said(stated)}, and `seeds` are {said(reported)}"
            advice = "report every declared seed, none missing and none beside them"
            yield self.violated(PRODUCTION_SEEDS, ("production_seeds",), message, reported, stated, advice)

    def _selection(self) -> Iterator[Verdict]:
        split = self.search.selection.split
        stated, phase = self.experiment.stated, self.experiment.stated.phases[self.search.phase]
        used = {(phase.for_task(task) if task else phase).dataset or "" for task in tasks_of(stated, self.search)}
        for name in sorted(used & set(stated.datasets)):
            # What a dataset has in the place of its validation split is what trials are measured on.
            measured = stated.datasets[name].validation_split or "validation"
            if split.strip().lower() in _VALIDATION and "test" in measured.lower():
                split = measured
        if split.strip().lower() in _VALIDATION:
            yield self.conforms(("selection", "split"), "selected on validation data")
            return
        message = f"{self.name} selects on {split!r}: what is reported there was chosen by it"
        yield self.violated(
            SELECTED_ON_TEST, ("selection", "split"), message, "validation", split, "select on validation data"
        )

    def _metric(self) -> Iterator[Verdict]:
        search, phase = self.search, self.experiment.stated.phases[self.search.phase]
        chosen = str(name_of(search.selected_by))
        place: Path = ("selection", "metric") if search.selection.metric is not None else ("objective",)
        if not same_metric(chosen, search.metric_name):
            message = f"{self.name} searches by {search.metric_name} and selects by {chosen}"
            yield self.violated(OTHER_METRIC, place, message, search.metric_name, chosen, "search by what is selected")
        for task in tasks_of(self.experiment.stated, search):
            reported = (phase.for_task(task) if task else phase).metric
            if reported is None:
                continue
            where = f"phases.{search.phase}" + (f".tasks.{task}" if task else "")
            if not same_metric(str(name_of(reported)), chosen):
                message = f"{self.name} selects by {chosen}, and {where} reports {name_of(reported)}"
                yield self.violated(
                    OTHER_METRIC, place, message, str(name_of(reported)), chosen, "select by what is reported"
                )
            elif falls(reported) != falls(search.selected_by):
                better = {True: "lower", False: "higher"}
                message = f"{self.name} takes the {better[falls(search.selected_by)]} {chosen}, and in {where} "
                message += f"{better[falls(reported)]} is better"
                yield self.violated(OTHER_METRIC, place, message, advice="give both one direction")
        usual = str(name_of(search.objective))
        if isinstance(search.objective, Metric) and search.falls != falls(usual) and falls(usual):
            message = f"{self.name} maximises {usual}, which improves by falling"
            yield self.violated(OTHER_METRIC, ("objective",), message, "lower", "higher", "give its direction as lower")

    def _budget(self) -> Iterator[Verdict]:
        search, budget = self.search, self.search.budget
        if budget is None:
            return
        most = min(budget.amount if budget.unit == "completed_trials" else float("inf"), budget.at_most or float("inf"))
        sampler = search.sampling
        if sampler.name == "tpe" and most <= sampler.startup_trials:
            message = (
                f"{self.name} ends after {most:.0f} trials, and the first {sampler.startup_trials} of a TPE search are "
                "random ones: it is random search"
            )
            advice = "give it more trials or fewer `startup_trials`, or call it random"
            yield self.violated(ALL_RANDOM, ("budget",), message, None, int(most), advice)
        size = size_of(search.dimensions)
        if sampler.name == "grid" and size is not None and most < size:
            message = f"{self.name} ends after {most:.0f} of the {size} points of its grid"
            yield self.violated(CUT_GRID, ("budget",), message, size, int(most), "leave the budget out")

    def _clause(self, path: Path) -> Clause:
        """The clause at a path of the search, or the first near it: what is left out is stated by none."""
        for length in range(len(path), -1, -1):
            if found := self.experiment.below(("searches", self.name, *path[:length])):
                return found[0]
        raise AssertionError("a search states something")

    def violated(
        self, rule: Rule, path: Path, message: str, expected: object = None, actual: object = None, advice: str = ""
    ) -> Verdict:
        clause = self._clause(path)
        finding = Finding(rule, message, clause.id, expected, actual, clause.location, clause.location, advice)
        return self.context.judge.violated(clause, finding)

    def conforms(self, path: Path, reason: str) -> Verdict:
        return self.context.judge.conforms(self._clause(path), Stage.MANIFEST, reason)


def _compared(context: ManifestContext) -> Iterator[Verdict]:
    """Methods that run one phase for one task are compared: each is tuned, and none with more than another."""
    stated = context.experiment.stated
    for phase in dict.fromkeys(search.phase for search in stated.searches.values()):
        over = {name: search for name, search in stated.searches.items() if search.phase == phase}
        for (one, first), (other, second) in combinations(over.items(), 2):
            if not set(tasks_of(stated, first)) & set(tasks_of(stated, second)):
                continue
            spent, others = _effort(first), _effort(second)
            held = _Held(context, other, second)
            if spent != others:
                message = f"{one} has {spent}, and {other} {others}"
                yield held.violated(UNEQUAL, ("budget",), message, spent, others, _UNEQUAL_ADVICE)
            else:
                yield held.conforms(("budget",), f"as much as {one}: {spent}")
        tuned = {variant for search in over.values() for variant in variants_of(stated, search)}
        running = [
            name
            for name, spec in stated.variants.items()
            if any((use := phase_of(step)) and use[0] == phase for step in spec.steps)
        ]
        for variant in (each for each in running if each not in tuned):
            name, search = next(iter(over.items()))
            message = f"{variant} runs {phase} untuned beside {', '.join(sorted(tuned))}, which {name} tunes"
            advice = f"name it under searches.{name}.variants, or waive this where it is no rival"
            yield _Held(context, name, search).violated(UNTUNED, ("variants",), message, None, variant, advice)


def _effort(search: Search) -> str:
    """What a search may spend, in words that are equal for equal efforts."""
    if search.budget is not None:
        amount = f"{search.budget.amount:g} {search.budget.unit.replace('_', ' ')}"
    else:
        amount = f"{size_of(search.dimensions)} completed trials"
    return f"{amount} over {len(search.seeds)} search seed{'s' if len(search.seeds) > 1 else ''}"
