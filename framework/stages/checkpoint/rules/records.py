"""A record that is held to itself: whatever it states twice, or its files state too, must be one and the same."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.sections.methods import SGH, LoRA
from framework.planning.steps import Measure, Training
from framework.stages.checkpoint.recorded import (
    adapters,
    choices,
    data,
    files,
    final_metrics,
    handed_on,
    identities,
    measured,
    sparsity,
    training_counts,
)
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts
from framework.stages.run.observed import EvidenceContext, Observed

CONTRADICTS = Rule(
    "T122",
    "record-contradicts",
    Severity.ERROR,
    Stage.CHECKPOINT,
    "a record says two things that cannot both be so",
)
ADVICE = "restore the record, or remove the run's folder and run the step again"


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in (*context.steps, *context.measures):
        if observed.run is None or observed.adopted or observed.scripted:
            continue
        for found in _contradictions(context, observed):
            yield as_finding(CONTRADICTS, observed, found)


def as_finding(rule: Rule, observed: Observed, found: Contradiction) -> Finding:
    return Finding(
        rule,
        f"{observed.step.label}: {found.message}",
        expected=found.expected,
        actual=found.actual,
        location=observed.place(),
        advice=ADVICE,
    )


def _contradictions(context: EvidenceContext, observed: Observed) -> Iterator[Contradiction]:
    facts, work = Facts(observed), observed.step.work
    yield from identities.contradictions(observed, facts)
    if isinstance(work, Measure):
        yield from measured.contradictions(context, observed)
        return
    if observed.logged:
        yield from final_metrics.possible(observed.run.record.metrics if observed.run else {}, "metrics", facts)
        return
    yield from choices.contradictions(context, observed)
    yield from files.contradictions(context, observed, facts)
    yield from data.contradictions(context, observed)
    yield from final_metrics.contradictions(observed, facts)
    yield from sparsity.contradictions(observed, facts)
    parent = context.related.parent(observed)
    if parent is not None and parent.run is not None:
        yield from sparsity.inherited(observed, parent)
        yield from handed_on.contradictions(observed, parent, context.related)
    if isinstance(work, Training):
        yield from training_counts.contradictions(observed, facts, work)
        if work.adapter is not None and isinstance(spec := work.adapter.chosen[1], LoRA | SGH):
            yield from adapters.recorded(observed, facts, spec)
