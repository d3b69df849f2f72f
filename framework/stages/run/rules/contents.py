"""Whether local models, datasets and scripts are still what finished runs were made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.record import CHANGED
from framework.planning.contents.digested import covers
from framework.planning.contents.local_places import Local
from framework.planning.identity import contents_in
from framework.stages.run.observed import EvidenceContext, Observed, several

CONTENT = Rule("R137", "content", Severity.ERROR, Stage.RUN, "a finished run was made of other local files than these")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if observed.other is not None and observed.other.changed:
            yield from _changed(context, observed, observed.other.changed)
        elif observed.run is not None:
            yield from _held(context, observed)


def _changed(context: EvidenceContext, observed: Observed, names: Sequence[str]) -> Iterator[Verdict | Finding]:
    """A finished run of other files than these: at the statements of these files, else about the run."""
    where = observed.place()
    for place, own in _by_place(observed, names):
        clause = None if place is None else context.experiment.by_path.get(place.clause)
        message = f"{observed.step.label} was run, and then changed: {several(own)}"
        advice = "run it again, or put back what it was made of"
        finding = Finding(CONTENT, message, None if clause is None else clause.id, location=where, advice=advice)
        if clause is None:
            yield finding
        else:
            finding = finding._replace(declared=clause.location)
            yield context.judge.violated(clause, finding, where.file)


def _held(context: EvidenceContext, observed: Observed) -> Iterator[Verdict]:
    """What a run read, where it is stated: the files of today, or what is not known of them."""
    assert observed.run is not None
    meanwhile, where = observed.facts.get(CHANGED), observed.place()
    names = list(contents_in(observed.run.record.identity))
    for place, own in _by_place(observed, names):
        clause = None if place is None else context.experiment.by_path.get(place.clause)
        if place is None or clause is None:
            continue
        gone = [name for name in observed.step.absent if _of(place, name)]
        during = [str(name) for name in meanwhile if _of(place, str(name))] if isinstance(meanwhile, list) else []
        if during:
            message = (
                f"{observed.step.label}: changed while it ran, so that it is not known what it read: {several(during)}"
            )
            yield context.violated(CONTENT, clause, message, where=where)
        elif gone:
            reason = f"not here, so that it is not known whether it still is what the run read: {several(gone)}"
            yield context.judge.unverified(clause, context.stage, reason, where.file)
        else:
            reason = f"{several(own)}: what the run read, to the byte"
            yield context.judge.conforms(clause, context.stage, reason, where.file)


def _by_place(observed: Observed, names: Sequence[str]) -> Iterator[tuple[Local | None, list[str]]]:
    """The names that are of each place that a step reads; those of none are a script's own."""
    left = list(names)
    for place in observed.step.reads:
        own = [name for name in left if _of(place, name)]
        left = [name for name in left if name not in own]
        if own:
            yield place, own
    if left:
        yield None, left


def _of(place: Local, name: str) -> bool:
    return covers(place.stated, name)
