"""How long was trained: optimizer steps against epochs x data / batch, and the samples of each step."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.evidence.record import STEPS
from framework.manifest.clauses import Clause
from framework.manifest.lengths import batch_of, length_of, optimizer_steps, rounds_to, samples_at, steps_per_epoch
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.durations import Duration
from framework.planning.steps import Training
from framework.stages.run import logged
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded

LENGTH = Rule("R101", "training-length", Severity.ERROR, Stage.RUN, "another number of optimizer steps than declared")
BATCH = Rule("R102", "samples-per-step", Severity.ERROR, Stage.RUN, "optimizer steps of another batch than declared")
EXAMPLES = Rule(
    "R103", "training-examples", Severity.ERROR, Stage.RUN, "another number of training examples than declared"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if observed.logged:
            yield from _logged(context, observed, work)
        else:
            yield from _length(context, observed, work.phase)
            yield from _samples(context, observed, work.phase)
        declared = context.experiment.by_path.get(("datasets", work.dataset_name, "train_examples"))
        if declared is not None and declared.effective is not None:
            count = recorded("observed", "train_examples")
            yield from context.hold(EXAMPLES, observed, declared, declared.effective, count, "training examples")


def _logged(context: EvidenceContext, observed: Observed, work: Training) -> Iterator[Verdict]:
    """As far as another program's log says it."""
    length = _clause(context, observed, work.phase)
    if length is not None:
        yield from logged.length(context, observed, work, length, LENGTH)
    batch = context.clause(observed.step, "batch_size")
    if batch is not None:
        yield from logged.samples(context, observed, work, batch, BATCH)


def _length(context: EvidenceContext, observed: Observed, phase: Phase) -> Iterator[Verdict]:
    clause = _clause(context, observed, phase)
    if clause is None or observed.run is None:
        if clause is not None:
            yield context.judge.unverified(clause, context.stage, observed.absent)
        return
    try:
        examples = observed.recorded("observed", "train_examples")
    except NotRecorded as missing:
        yield context.judge.unverified(clause, context.stage, str(missing))
        return
    demanded, done, batch = optimizer_steps(phase, examples), len(observed.trace), batch_of(phase)
    if demanded is None or batch is None:
        reason = f"{_spelled(clause)} is not known in optimizer steps"
        yield context.judge.unverified(clause, context.stage, reason)
        return
    where = observed.place(STEPS, max(1, done))
    spelled = f"{done} optimizer steps of {demanded} ({_spelled(clause)} of {examples} examples)"
    fits = done == demanded or rounds_to(clause.effective, demanded, done)
    wrong = next((number for number, line in enumerate(observed.trace, 1) if line["step"] != number), None)
    if wrong is not None:
        found = observed.trace[wrong - 1]["step"]
        message = f"{observed.step.label}: line {wrong} of {STEPS} is of step {said(found)}"
        yield context.violated(LENGTH, clause, message, wrong, found, observed.place(STEPS, wrong))
    elif fits:
        yield context.judge.conforms(clause, context.stage, spelled, where.file)
    elif phase.early_stopping and observed.run.record.observed.get("stopped_early") and done < demanded:
        if done % steps_per_epoch(examples, batch) == 0:
            yield context.judge.conforms(clause, context.stage, f"{spelled}; stopped early, as declared", where.file)
        else:
            message = f"{observed.step.label}: stopped in the middle of an epoch, after {done} steps"
            yield context.violated(LENGTH, clause, message, demanded, done, where)
    else:
        yield context.violated(LENGTH, clause, f"{observed.step.label}: {spelled}", demanded, done, where)


def _clause(context: EvidenceContext, observed: Observed, phase: Phase) -> Clause | None:
    """The clause that says how long is trained: the built-in training counts a `length` out in steps."""
    return context.clause(observed.step, length_of(phase)) or context.clause(observed.step, "length")


def _spelled(clause: Clause) -> str:
    unit = "" if isinstance(clause.effective, Duration) else f" {clause.path[-1]}"
    return f"{said(clause.effective)}{unit}"


def _samples(context: EvidenceContext, observed: Observed, phase: Phase) -> Iterator[Verdict]:
    clause = context.clause(observed.step, "batch_size")
    if clause is None:
        return
    if observed.run is None:
        yield context.judge.unverified(clause, context.stage, observed.absent)
        return
    try:
        examples = observed.recorded("observed", "train_examples")
    except NotRecorded as missing:
        yield context.judge.unverified(clause, context.stage, str(missing))
        return
    if (batch := batch_of(phase, context.experiment.manifest.hardware.count)) is None:
        reason = f"a batch of {said(phase.batch_size)} is not known in examples"
        yield context.judge.unverified(clause, context.stage, reason)
        return
    for line in observed.trace:
        demanded = samples_at(line["step"], examples, batch)
        if line["samples"] != demanded:
            message = f"{observed.step.label}: step {line['step']} had {line['samples']} samples, not {demanded}"
            where = observed.place(STEPS, line["step"])
            yield context.violated(BATCH, clause, message, demanded, line["samples"], where)
            return
    if not observed.trace:
        yield context.judge.unverified(clause, context.stage, "the run recorded no steps")
        return
    reason = f"{len(observed.trace)} steps of {batch} samples (the last of an epoch may be smaller)"
    yield context.judge.conforms(clause, context.stage, reason, observed.place(STEPS).file)
