"""Runs whose training another program logged: what its log says, where it says less than our own evidence does.

A log may hold every tenth step, and neither the samples of a step nor the number of examples. What it leaves open is
unverified.
"""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Rule, Verdict
from framework.conformance.meaning import said, same
from framework.evidence.record import STEPS
from framework.manifest.clauses import Clause
from framework.manifest.lengths import (
    batch_of,
    examples_in,
    length_of,
    rounds_to,
    samples_at,
)
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed
from framework.stages.run.pass_ends import demanded, ends_of, steps_of_pass


def examples_of(observed: Observed, work: Training) -> int | None:
    """Training examples: as the log says, else as the manifest declares."""
    try:
        return int(observed.recorded("observed", "train_examples"))
    except NotRecorded:
        return examples_in(work.dataset)


def total_of(observed: Observed, work: Training) -> int | None:
    """The steps that a schedule is stretched over: as the manifest demands, else as long as the run itself planned."""
    made = count(observed, "planned_steps") or count(observed, "optimizer_steps")
    asked = demanded(observed, work, examples_of(observed, work))
    if asked is None:
        return made
    return made if made == asked[0] else asked[1]


def count(observed: Observed, name: str) -> int | None:
    """A recorded number of steps or sequences; None where there is none."""
    found = observed.facts.get(name)
    return found if type(found) is int else None


def tolerance(observed: Observed, least: float) -> float:
    """How far, relative to it, a logged learning rate may lie from the declared one, as the run was told."""
    log = observed.facts.get("log")
    found = log.get("tolerance") if isinstance(log, dict) else None
    return max(least, float(found)) if isinstance(found, (int, float)) else least


def length(
    context: EvidenceContext, observed: Observed, work: Training, clause: Clause, rule: Rule
) -> Iterator[Verdict]:
    """Steps done against the declared length; epochs by the log's own count where the data's size is not known."""
    phase = work.phase
    where = observed.place(STEPS, max(1, len(observed.trace)))
    examples = examples_of(observed, work)
    label = observed.step.label
    asked = demanded(observed, work, examples)
    if asked is None:
        yield from _by_epochs(context, observed, phase, clause, rule)
        return
    fewest, steps = asked
    fact = length_of(phase)
    size = f" of {examples} examples" if fact == "epochs" else ""
    ends = ends_of(observed, work, examples)
    size += ", a smaller last batch dropped" if fact == "epochs" and ends.drop_last else ""
    size += ", an incomplete accumulation dropped" if fact == "epochs" and ends.drop_incomplete else ""
    spelled = f"optimizer steps of {steps} ({said(clause.effective)} {fact}{size})"
    done = count(observed, "optimizer_steps")
    if done is None:
        least, most = _between(observed, steps)
        if not observed.trace:
            reason = f"no log says how many there were: {spelled}"
            yield context.judge.unverified(clause, context.stage, reason, observed.place().file)
        elif least <= steps and fewest <= most:
            reason = f"the log ends at step {least}, and does not say whether it was the last {spelled}"
            yield context.judge.unverified(clause, context.stage, reason, where.file)
        else:
            message = f"{label}: {least} to {most} {spelled}"
            yield context.violated(rule, clause, message, steps, least, where)
    elif done == steps or rounds_to(clause.effective, steps, done):
        yield context.judge.conforms(clause, context.stage, f"{done} {spelled}", where.file)
    elif (
        phase.early_stopping
        and observed.facts.get("stopped_early")
        and done < steps
        and _at_epochs_end(observed, work, examples, done)
    ):
        yield context.judge.conforms(clause, context.stage, f"{done} {spelled}; stopped early, as declared", where.file)
    elif done == fewest or (fewest < done < steps and ends.accumulation not in (None, 1)):
        reason = f"{done} {spelled}, if what is left at the end of a pass is dropped: `settings.drop_last` would say it"
        yield context.judge.unverified(clause, context.stage, reason, where.file)
    else:
        yield context.violated(rule, clause, f"{label}: {done} {spelled}", steps, done, where)


def _between(observed: Observed, steps: int) -> tuple[int, int]:
    """Between which numbers the steps done lie; anything up to the demanded one where the log does not say."""
    found = observed.facts.get("optimizer_steps_between")
    if isinstance(found, list) and len(found) == 2 and all(type(each) is int for each in found):
        return found[0], found[1]
    return 0, steps


def _at_epochs_end(observed: Observed, work: Training, examples: int | None, done: int) -> bool:
    batch = batch_of(work.phase)
    if examples is None or batch is None:
        return True
    return any(done % each == 0 for each in steps_of_pass(examples, batch, ends_of(observed, work, examples)))


def _by_epochs(
    context: EvidenceContext, observed: Observed, phase: Phase, clause: Clause, rule: Rule
) -> Iterator[Verdict]:
    epochs, where = observed.facts.get("epochs"), observed.place()
    if epochs is None:
        reason = "the log says neither how many epochs nor how many examples there were"
        yield context.judge.unverified(clause, context.stage, reason, where.file)
    elif same(phase.epochs, epochs) or (phase.early_stopping and observed.facts.get("stopped_early")):
        reason = f"{said(epochs)} epochs, by the log's own count"
        yield context.judge.conforms(clause, context.stage, reason, where.file)
    else:
        message = f"{observed.step.label}: {said(epochs)} epochs, not {said(phase.epochs)}"
        yield context.violated(rule, clause, message, phase.epochs, epochs, where)


def samples(
    context: EvidenceContext, observed: Observed, work: Training, clause: Clause, rule: Rule
) -> Iterator[Verdict]:
    """The batch, where the log leaves only one that could have been; or the samples of each step that it holds."""
    declared, where = batch_of(work.phase, context.experiment.manifest.hardware.count), observed.place(STEPS)
    if declared is None:
        reason = f"a batch of {said(work.phase.batch_size)} is not known in examples"
        yield context.judge.unverified(clause, context.stage, reason, where.file)
        return
    logged = [line for line in observed.trace if "samples" in line]
    examples = examples_of(observed, work)
    dropped = examples is not None and ends_of(observed, work, examples).drop_last
    for line in logged:
        full = examples is None or dropped
        due = declared if full or examples is None else samples_at(line["step"], examples, declared)
        if line["samples"] != due:
            message = f"{observed.step.label}: step {line['step']} had {line['samples']} samples, not {due}"
            place = observed.place(STEPS, observed.trace.index(line) + 1)
            yield context.violated(rule, clause, message, due, line["samples"], place)
            return
    if logged:
        reason = f"{len(logged)} logged steps of {declared} samples"
        yield context.judge.conforms(clause, context.stage, reason, where.file)
        return
    found = count(observed, "batch_size")
    if found is None:
        reason = "the log does not say how many samples a step had"
        yield context.judge.unverified(clause, context.stage, reason, where.file)
    elif found == declared:
        reason = f"{found} sequences per optimizer step, as the log's length, epochs and samples allow no other"
        yield context.judge.conforms(clause, context.stage, reason, where.file)
    else:
        message = f"{observed.step.label}: {found} sequences per optimizer step, not {declared}"
        yield context.violated(rule, clause, message, declared, found, where)
