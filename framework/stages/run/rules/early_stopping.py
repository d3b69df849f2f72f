"""Early stopping as it acted: the recorded evaluations, replayed against the declared patience."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.record import EVENTS
from framework.manifest.hyperparameters import held, plain_metric
from framework.manifest.metrics import LOSS_BY_UNIT
from framework.manifest.sections.phases import EarlyStopping
from framework.manifest.sections.values.stated_metrics import PER_TOKEN, Metric, name_of, plain_unit
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed
from framework.stages.run.recomputed.early_stopping import stops_at, stops_by_threshold_at

STOPPED = Rule(
    "R122", "early-stopping", Severity.ERROR, Stage.RUN, "training went on, or ended, against the declared patience"
)
METRIC = Rule("R123", "metric", Severity.ERROR, Stage.RUN, "a run did not measure the declared metric")


THRESHOLD = "it ended where transformers' `early_stopping_threshold` ends a training, which is no `min_delta`"


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if work.phase.metric is not None:
            yield from _metric(context, observed, str(work.phase.metric_name))
            yield from _unit(context, observed, work.phase.metric)
        if work.phase.early_stopping is not None:
            yield from _replayed(context, observed, work.phase.early_stopping)


def _metric(context: EvidenceContext, observed: Observed, metric: str) -> Iterator[Verdict]:
    clause = context.clause(observed.step, "metric") or context.clause(observed.step, "metric.name")
    if clause is None:
        return
    if observed.run is None:
        yield context.judge.unverified(clause, context.stage, observed.absent)
    elif (value := held(metric, observed.run.record.metrics)) is not None:
        yield context.judge.conforms(clause, context.stage, f"{metric} {value:.4g}", observed.place().file)
    else:
        message = f"{observed.step.label}: the run measured no {metric}"
        yield context.violated(METRIC, clause, message, metric, sorted(observed.run.record.metrics), observed.place())


def _unit(context: EvidenceContext, observed: Observed, metric: str | Metric) -> Iterator[Verdict]:
    """What the metric is counted in; the built-in training's loss is per token, and per character and per byte where
    it says so by metrics of their own."""
    name = plain_metric(str(name_of(metric)))
    if (clause := context.clause(observed.step, "metric.unit")) is None:
        return
    declared = plain_unit(str(clause.effective))

    def seen(run: Observed) -> str:
        if not run.logged and name in ("loss", "perplexity"):
            assert run.run is not None
            told = name == "loss" and LOSS_BY_UNIT.get(declared) in run.run.record.metrics
            return declared if told else PER_TOKEN
        units = run.facts.get("units")
        found = units.get(name) if isinstance(units, dict) else None
        if not isinstance(found, str):
            raise NotRecorded(f"the run does not say what its {name} is counted in")
        return found

    yield from context.hold(METRIC, observed, clause, declared, seen, f"the unit of {name}")


def _replayed(context: EvidenceContext, observed: Observed, stated: EarlyStopping) -> Iterator[Verdict]:
    names = ("metric", "metric.name", "metric.direction", "patience", "min_delta")
    clauses = [clause for name in names if (clause := context.clause(observed.step, f"early_stopping.{name}"))]
    if observed.run is None:
        yield from (context.judge.unverified(each, context.stage, observed.absent) for each in clauses)
        return
    where = observed.place(EVENTS)
    events = [line for line in observed.events if line.get("event") == "evaluation"]
    values = [held(str(stated.metric_name), event) for event in events]
    if not events or None in values:
        reason = f"the run recorded no evaluations of {stated.metric_name}"
        yield from (context.judge.unverified(each, context.stage, reason, where.file) for each in clauses)
        return
    due = stops_at(_numbers(values), stated)
    acted = len(events) if observed.run.record.observed.get("stopped_early") else None
    threshold = observed.logged and stated.min_delta and stops_by_threshold_at(_numbers(values), stated) == acted
    planned_end = due == len(events) and acted is None and _complete(observed)
    for clause in clauses:
        if due == acted or planned_end:
            spelled = f"ended after evaluation {acted}" if acted else f"{len(events)} evaluations within patience"
            yield context.judge.conforms(clause, context.stage, spelled, where.file)
        elif threshold:
            yield context.judge.unverified(clause, context.stage, THRESHOLD, where.file)
        else:
            message = (
                f"{observed.step.label}: {stated.metric_name} with patience {stated.patience} demands an end after "
                f"evaluation {due or 'the last'}, and training ended after {acted or 'the last'} of {len(events)}"
            )
            yield context.violated(STOPPED, clause, message, due, acted, where)


def _numbers(values: list[float | None]) -> list[float]:
    """The recorded values as numbers."""
    return [float(value) for value in values if value is not None]


def _complete(observed: Observed) -> bool:
    """Whether all planned steps were done: patience that runs out at the very end changes nothing."""
    assert observed.run is not None
    seen = observed.run.record.observed
    return seen.get("planned_steps") == seen.get("optimizer_steps")
