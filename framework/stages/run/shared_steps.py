"""A step that several variants share: what its evidence says of a clause of one, it says of the same clause of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from framework.conformance import Status, Verdict
from framework.conformance.waivers import Judge
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan

_PLACE = 4
"""The length of `variants.NAME.steps[i]`."""


def for_all_variants(
    experiment: Experiment, plan: Plan, verdicts: Iterable[Verdict], judge: Judge
) -> Iterator[Verdict]:
    """The verdicts, each once more for the clauses that state the same in the lists of the other variants; a waiver
    covers the clause that it names."""
    twins = _twins(experiment, plan)
    given = list(verdicts)
    known = {(verdict.clause, verdict.stage, verdict.reason) for verdict in given}
    for verdict in given:
        yield verdict
        for twin in twins.get(verdict.clause, ()):
            if (twin.id, verdict.stage, verdict.reason) not in known:
                yield _about(twin, verdict, judge)


def _twins(experiment: Experiment, plan: Plan) -> dict[str, list[Clause]]:
    found: dict[str, list[Clause]] = {}
    for places in {tuple(step.places) for step in plan.steps if len(step.places) > 1}:
        for place in places:
            for clause in experiment.below(place):
                own = [experiment.by_path.get((*other, *clause.path[_PLACE:])) for other in places if other != place]
                found[clause.id] = [twin for twin in own if twin is not None and twin.effective == clause.effective]
    return found


def _about(clause: Clause, verdict: Verdict, judge: Judge) -> Verdict:
    evidence = None if verdict.evidence is None else str(verdict.evidence)
    if verdict.finding is not None:
        finding = verdict.finding._replace(clause=clause.id, declared=clause.location)
        return judge.violated(clause, finding, evidence)
    if verdict.status is Status.UNVERIFIED:
        return judge.unverified(clause, verdict.stage, verdict.reason, evidence)
    return judge.conforms(clause, verdict.stage, verdict.reason, evidence)
