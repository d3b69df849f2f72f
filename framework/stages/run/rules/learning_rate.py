"""The learning rate of every optimizer step, against the declared schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.record import STEPS
from framework.manifest.clauses import Clause
from framework.manifest.lengths import optimizer_steps, scale_of
from framework.manifest.sections.values.durations import Scale
from framework.manifest.sections.values.quantities import number
from framework.planning.steps import Training
from framework.stages.run import by_group, logged
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed
from framework.stages.run.recomputed.learning_rate import Unknown, learning_rate_at
from framework.stages.run.recomputed.trace_differences import differences
from framework.stages.run.shifted_rates import of_another_step

TRACE = Rule(
    "R110", "learning-rate-trace", Severity.ERROR, Stage.RUN, "a step was made with another learning rate than declared"
)

_RELATIVE = 1e-6
"""Schedulers multiply in double precision in another order than the formula."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    scheduled = {name for name in context.experiment.manifest.phases if _states_schedule(context, name)}
    for observed, work in context.trainings():
        peak = context.clause(observed.step, "optimizer.learning_rate")
        clauses = [*([peak] if peak else []), *context.clauses_below(observed.step, "schedule")]
        lines = [] if observed.run is None else by_group.largest(observed)
        if not lines:
            reason = observed.absent if observed.run is None else "the run recorded no learning rates"
            seen = None if observed.run is None else observed.place().file
            yield from (context.judge.unverified(clause, context.stage, reason, seen) for clause in clauses)
            continue
        if (shifted := of_another_step(observed, context.experiment.root)) is not None:
            seen = observed.place().file
            yield from (context.judge.unverified(clause, context.stage, shifted, seen) for clause in clauses)
            continue
        if observed.scripted and observed.step.name in scheduled:
            yield from by_group.check(context, observed, work, TRACE)
            continue
        if observed.logged and observed.step.name not in scheduled:
            yield from _peak(context, observed, work, lines)
            continue
        try:
            total = _total(observed, work)
            scale = scale_of(work.phase, logged.examples_of(observed, work), context.experiment.manifest.hardware.count)
            learning_rate_at(work.phase, 1, total, scale)
            learning_rate_at(work.phase, total, total, scale)
        except (NotRecorded, Unknown) as missing:
            seen = observed.place().file
            yield from (context.judge.unverified(clause, context.stage, str(missing), seen) for clause in clauses)
            continue
        relative = logged.tolerance(observed, _RELATIVE)
        wrong, down = _first_wrong(work, lines, total, scale, relative), False
        if wrong is not None and observed.logged:
            # What a program of its own makes of a part of a step is its own: 34 and 35 of 345 steps are both 10 %.
            rounded_down = _first_wrong(work, lines, total, scale._replace(down=True), relative)
            wrong, down = (None, True) if rounded_down is None else (wrong, False)
        if wrong is not None:
            yield from _differing(context, observed, clauses, lines, wrong, _Sought(work, total, scale, relative))
            continue
        for clause in clauses:
            reason = f"{len(lines)} steps follow the declared schedule"
            reason += ", its lengths rounded down" if down else ""
            if relative > _RELATIVE:
                reason += f", to {relative:.2g} of it, as the log rounds"
            yield context.judge.conforms(clause, context.stage, reason, observed.place(STEPS).file)


class _Sought(NamedTuple):
    """What a trace is held to."""

    work: Training
    total: int
    scale: Scale
    relative: float


def _differing(
    context: EvidenceContext,
    observed: Observed,
    clauses: list[Clause],
    lines: list[dict[str, Any]],
    wrong: tuple[dict[str, Any], float],
    sought: _Sought,
) -> Iterator[Verdict]:
    """One finding for each value that is another, with the first step; of the rest what the steps say of it."""
    line, demanded = wrong
    rates = [(each["step"], each["learning_rate"]) for each in lines]
    found = differences(sought.work.phase, rates, sought.total, sought.scale, sought.relative)
    if not found and observed.logged:
        down = sought.scale._replace(down=True)
        found = differences(sought.work.phase, rates, sought.total, down, sought.relative)
    where = observed.place(STEPS, observed.trace.index(line) + 1)
    used = f"step {line['step']} of {sought.total} used {line['learning_rate']:g}, not {demanded:g}"
    blamed: dict[str, str] = {}
    for each in found:
        clause = _about(context, observed, each.fact, clauses)
        blamed[clause.id] = f"{blamed[clause.id]}; {each.said}" if clause.id in blamed else each.said
    if not found and clauses:
        many = sum(not _same(sought, each) for each in lines)
        blamed[_about(context, observed, "schedule.name", clauses).id] = (
            f"{many} of {len(lines)} recorded steps differ, and no one or two other values explain them"
        )
    for clause in clauses:
        if clause.id in blamed:
            message = f"{observed.step.label}: {used}: {blamed[clause.id]}"
            yield context.violated(TRACE, clause, message, demanded, line["learning_rate"], where)
        elif found:
            reason = f"{len(lines)} steps follow it; another is " + " and ".join(blamed)
            yield context.judge.conforms(clause, context.stage, reason, where.file)
        else:
            reason = "the steps do not follow the schedule that it is a part of"
            yield context.judge.unverified(clause, context.stage, reason, where.file)


def _about(context: EvidenceContext, observed: Observed, fact: str, clauses: list[Clause]) -> Clause:
    """The clause that states a fact; where none does, that of the shape, or the first of all."""
    for name in (fact, "schedule.name"):
        own = [context.clause(observed.step, name), *context.clauses_below(observed.step, name)]
        stated = next((each for each in own if each is not None and each in clauses), None)
        if stated is not None:
            return stated
    return next((each for each in clauses if "schedule" in each.path), clauses[0])


def _same(sought: _Sought, line: dict[str, Any]) -> bool:
    demanded = learning_rate_at(sought.work.phase, line["step"], sought.total, sought.scale)
    return math.isclose(line["learning_rate"], demanded, rel_tol=sought.relative, abs_tol=1e-15)


def _first_wrong(
    work: Training, lines: list[dict[str, Any]], total: int, scale: Scale, relative: float
) -> tuple[dict[str, Any], float] | None:
    """The first step with another rate than demanded, and the rate that was."""
    for line in lines:
        demanded = learning_rate_at(work.phase, line["step"], total, scale)
        if not math.isclose(line["learning_rate"], demanded, rel_tol=relative, abs_tol=1e-15):
            return line, demanded
    return None


def _states_schedule(context: EvidenceContext, phase: str) -> bool:
    """Whether a schedule is stated for a phase: there, or where something else is set for it."""
    return any(
        path[:2] == ("phases", phase) or path[0] in ("variants", "models", "datasets")
        for path in context.experiment.by_path
        if any(str(part).removeprefix(f"phases.{phase}.").partition(".")[0] == "schedule" for part in path[2:])
    )


def _peak(
    context: EvidenceContext, observed: Observed, work: Training, lines: list[dict[str, Any]]
) -> Iterator[Verdict]:
    """A paper that states no schedule states the largest rate alone: what a script did before and after is its own."""
    clause, peak = context.clause(observed.step, "optimizer.learning_rate"), number(work.phase.optimizer.learning_rate)
    if clause is None or peak is None:
        return
    largest = max(lines, key=lambda line: line["learning_rate"])
    used, where = largest["learning_rate"], observed.place(STEPS, observed.trace.index(largest) + 1)
    said = f"the largest of {len(lines)} recorded learning rates is {used:g}"
    if math.isclose(used, peak, rel_tol=logged.tolerance(observed, _RELATIVE)):
        yield context.judge.conforms(clause, context.stage, said, where.file)
    elif used > peak:
        yield context.violated(TRACE, clause, f"{observed.step.label}: {said}, not {peak:g}", peak, used, where)
    else:
        reason = f"{said}: the manifest states no schedule, which could keep it below {peak:g}"
        yield context.judge.unverified(clause, context.stage, reason, where.file)


def _total(observed: Observed, work: Training) -> int:
    """The optimizer steps that the schedule is stretched over."""
    total = logged.total_of(observed, work) if observed.logged else None
    total = total or optimizer_steps(work.phase, observed.recorded("observed", "train_examples"))
    if total is None:
        raise Unknown("the number of optimizer steps is not known")
    return total
