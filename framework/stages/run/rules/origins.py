"""What it was trained on and started from: datasets, models, the variant it builds on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.record import CHANGED
from framework.manifest.sections.values.quantities import whole
from framework.planning.contents.digested import covers
from framework.planning.steps import Training
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded

DATA = Rule("R133", "data", Severity.ERROR, Stage.RUN, "runs on one declared dataset saw different data")
SOURCE = Rule("R134", "data-source", Severity.ERROR, Stage.RUN, "a run read other data than declared")
MODEL = Rule("R135", "model-source", Severity.ERROR, Stage.RUN, "a run started from another model than declared")
PARENT = Rule("R136", "parent", Severity.ERROR, Stage.RUN, "a run started from another step's checkpoint than declared")

_DATASET = (
    "hub",
    "name",
    "revision",
    "path",
    "builtin",
    "train_split",
    "validation_split",
    "text",
    "label",
    "labels",
    "limit",
)
_MODEL = ("hub", "revision", "path", "weights", "tokenizer")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        yield from _source(context, observed, work)
        clause = context.clause(observed.step, "dataset")
        yield from context.hold(SOURCE, observed, clause, work.dataset_name, recorded("data", "name"), "the dataset")
    for observed in context.steps:
        if observed.step.parent is None:
            yield from _model(context, observed)
        yield from _parent(context, observed)
    yield from _same(context)


def _source(context: EvidenceContext, observed: Observed, work: Training) -> Iterator[Verdict]:
    for name in _DATASET:
        clause = context.experiment.by_path.get(("datasets", work.dataset_name, name))
        if (declared := getattr(work.dataset, name)) is not None:
            seen = recorded("data", "source", name)
            yield from context.hold(SOURCE, observed, clause, declared, seen, f"{work.dataset_name} {name}")


def _model(context: EvidenceContext, observed: Observed) -> Iterator[Verdict]:
    step = observed.step
    for name in _MODEL:
        clause = context.experiment.by_path.get(("models", step.model_name, name))
        if (declared := getattr(step.model, name)) is not None:
            seen = recorded("observed", "source", name)
            yield from context.hold(MODEL, observed, clause, declared, seen, f"{step.model_name} {name}")


def _parent(context: EvidenceContext, observed: Observed) -> Iterator[Verdict]:
    """The variant's `from`, and the names of its steps, by the chain of content keys that the run recorded."""
    step, find = observed.step, context.experiment.by_path.get
    for place in step.places:
        clause = find(place)
        yield from context.hold(PARENT, observed, clause, step.name, recorded("step"), "the step")
        if place[-1] == 0:
            what = "the step it started from"
            yield from context.hold(PARENT, observed, find((*place[:2], "from")), step.parent, _started_from, what)


def _started_from(observed: Observed) -> str | None:
    """The key of the step before; a run that others made does not say what it started from."""
    found: str | None = observed.recorded("parent")
    if found is None and (observed.adopted or observed.scripted):
        raise NotRecorded("the run does not say which run's checkpoint it started from")
    return found


def _same(context: EvidenceContext) -> Iterator[Verdict]:
    """Runs of one dataset, model and length must have seen the same examples, whatever the variant; fingerprints of two
    kinds say nothing of each other."""
    groups: dict[tuple[Any, ...], list[Observed]] = {}
    for observed, work in context.trainings():
        of = None if observed.run is None else observed.run.record.data.get("fingerprint_of")
        key = (work.dataset_name, observed.step.model_name, whole(work.phase.sequence_length) or 0, of)
        groups.setdefault(key, []).append(observed)
    for (name, *_), members in groups.items():
        prints: dict[str, list[Observed]] = {}
        for member in members:
            try:
                if member.run is not None:
                    prints.setdefault(str(member.recorded("data", "fingerprint")), []).append(member)
            except NotRecorded:
                continue
        if len(prints) > 1:
            yield from _differing(context, name, prints)


def _differing(context: EvidenceContext, name: str, prints: dict[str, list[Observed]]) -> Iterator[Verdict]:
    """All sides, those that read today's files first, each with what is known of that; the place is the last one's."""
    sides = [(fingerprint, members, *_of_today(members[0], name)) for fingerprint, members in prints.items()]
    sides.sort(key=lambda side: side[2] is not True)
    told = [f"{_several(members)} {fingerprint[:12]} ({said})" for fingerprint, members, _, said in sides]
    message = f"training data of {name!r} differ, by fingerprint: {'; '.join(told)}"
    for clause in context.experiment.below(("datasets", name)):
        yield context.violated(DATA, clause, message, sides[0][0], sides[-1][0], sides[-1][1][0].place())


def _several(members: list[Observed]) -> str:
    more = f" and {len(members) - 1} more" if len(members) > 1 else ""
    return f"{members[0].step.label}{more} saw"


def _of_today(observed: Observed, name: str) -> tuple[bool | None, str]:
    """Whether a run read the files of a dataset that lie here today, and what is known of it; None where nothing is."""
    assert observed.run is not None
    made = f"made {str(observed.run.record.finished)[:10]}" if observed.run.record.finished else "at an unknown time"
    places = [place for place in observed.step.reads if place.clause == ("datasets", name, "path")]
    if not places or observed.adopted:
        return None, f"{made}; nothing is known of the files that it read"
    if any(covers(place.stated, each) for place in places for each in observed.step.absent):
        return None, f"{made}; the files that it read are not here"
    if observed.facts.get(CHANGED):
        return False, f"{made}; files were changed while it ran"
    return True, f"{made}, of the files of today"
