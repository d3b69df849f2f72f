"""A step that several variants share: what its evidence says of a clause of one, it says of the same clause of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from framework.conformance import Status, Verdict
from framework.conformance.matrix import file_of
from framework.conformance.waivers import Judge
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.names import Path
from framework.stages.run.observed import Observed

_PLACE = 4
"""The length of `variants.NAME.steps[i]`."""


def for_all_variants(
    experiment: Experiment, steps: Sequence[Observed], verdicts: Iterable[Verdict], judge: Judge
) -> Iterator[Verdict]:
    """The verdicts, each once more for the clauses that state the same in the lists of the other variants; a waiver
    covers the clause that it names. Evidence that is of some of the variants says nothing of the others."""
    twins = _twins(experiment, steps)
    of = _variants_of(steps) if twins else {}
    given = list(verdicts)
    known = {(verdict.clause, verdict.stage, verdict.reason) for verdict in given}
    for verdict in given:
        yield verdict
        if verdict.clause not in twins:
            continue
        variants = next((of[name] for name in (*PurePath(file_of(verdict)).parts, verdict.reason) if name in of), None)
        for twin in twins[verdict.clause]:
            shared = variants is None or twin.path[1] in variants
            if shared and (twin.id, verdict.stage, verdict.reason) not in known:
                yield _about(twin, verdict, judge)


def _twins(experiment: Experiment, steps: Sequence[Observed]) -> dict[str, list[Clause]]:
    found: dict[str, list[Clause]] = {}
    together: dict[Path, dict[Path, None]] = {}
    for places in {tuple(each.step.places) for each in steps if len(each.step.places) > 1}:
        for place in places:
            together.setdefault(place, {}).update(dict.fromkeys(other for other in places if other != place))
    for place, others in together.items():
        for clause in experiment.below(place):
            own = [experiment.by_path.get((*other, *clause.path[_PLACE:])) for other in others]
            found[clause.id] = [twin for twin in own if twin is not None and twin.effective == clause.effective]
    return found


def _variants_of(steps: Sequence[Observed]) -> dict[str, set[str]]:
    """The variants that a look is about, by the run's folder that it was into, or by what it says where there is no
    run."""
    found: dict[str, set[str]] = {}
    for each in steps:
        name = each.absent if each.run is None else each.run.folder.name
        found.setdefault(name, set()).update(each.step.variants)
    return found


def _about(clause: Clause, verdict: Verdict, judge: Judge) -> Verdict:
    evidence = None if verdict.evidence is None else str(verdict.evidence)
    if verdict.finding is not None:
        finding = verdict.finding._replace(clause=clause.id, declared=clause.location)
        return judge.violated(clause, finding, evidence)
    if verdict.status is Status.UNVERIFIED:
        return judge.unverified(clause, verdict.stage, verdict.reason, evidence)
    return judge.conforms(clause, verdict.stage, verdict.reason, evidence)
