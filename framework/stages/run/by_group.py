"""The learning rates of runs that a script recorded: of each group of each optimizer, at each step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from framework.conformance import Rule, Verdict
from framework.evidence.record import STEPS
from framework.manifest.lengths import scale_of
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.durations import Scale
from framework.manifest.sections.values.quantities import number
from framework.planning.steps import Training
from framework.stages.run import logged
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed
from framework.stages.run.recomputed.learning_rate import Unknown, learning_rate_at
from framework.stages.run.recorded_parameters import demands, groups_of

_RELATIVE, _ABSOLUTE = 1e-6, 1e-15


def largest(observed: Observed) -> list[dict[str, Any]]:
    """The lines that hold a learning rate, with the largest of their groups; not those of skipped updates."""
    lines = [line for line in observed.trace if line.get("learning_rate") is not None]
    if not observed.scripted:
        return lines
    known = [line for line in lines if not line.get("skipped")]
    return [line | {"learning_rate": max(rate for rate in rates_of(line, 1) if rate is not None)} for line in known]


def rates_of(line: dict[str, Any], groups: int) -> list[float | None]:
    """The rate of each group in one step."""
    return list(line["learning_rates"]) if "learning_rates" in line else [line.get("learning_rate")] * groups


class _Wrong(NamedTuple):
    line: dict[str, Any]
    used: float
    demanded: float
    of: str | None


def check(context: EvidenceContext, observed: Observed, work: Training, rule: Rule) -> Iterator[Verdict]:
    """Hold every group's rate to the schedule from the peak that is declared for its parameters."""
    optimizer = work.phase.optimizer
    facts = ["optimizer.learning_rate", "optimizer.layer_decay"]
    facts += [f"optimizer.groups[{index}].learning_rate" for index, _ in enumerate(optimizer.groups or ())]
    clauses = [clause for fact in facts if (clause := context.clause(observed.step, fact)) is not None]
    clauses += context.clauses_below(observed.step, "schedule")
    lines = [line for line in observed.trace if line.get("learning_rate") is not None and not line.get("skipped")]
    try:
        peaks = list(_peaks(observed, work))
        total = logged.total_of(observed, work)
        if total is None:
            raise Unknown("the number of optimizer steps is not known")
        scale = scale_of(work.phase, logged.examples_of(observed, work), context.experiment.manifest.hardware.count)
        wrong, counted = _judged(observed, work, lines, peaks, total, scale)
    except (NotRecorded, Unknown) as missing:
        seen = observed.place().file
        yield from (context.judge.unverified(clause, context.stage, str(missing), seen) for clause in clauses)
        return
    for clause in clauses:
        if wrong is None:
            of = f" of {len(peaks)} groups" if len(peaks) > 1 else ""
            reason = f"{len(lines)} steps{of} follow the declared schedule{counted}"
            yield context.judge.conforms(clause, context.stage, reason, observed.place(STEPS).file)
            continue
        of = f" for {wrong.of}" if wrong.of else ""
        message = (
            f"{observed.step.label}: step {wrong.line['step']} of {total} used {wrong.used:g}{of}, "
            f"not {wrong.demanded:g}"
        )
        where = observed.place(STEPS, observed.trace.index(wrong.line) + 1)
        yield context.violated(rule, clause, message, wrong.demanded, wrong.used, where)


def _peaks(observed: Observed, work: Training) -> Iterator[dict[float, str | None]]:
    """For each recorded group the peaks that are declared for its parameters, each with one of their names."""
    optimizer = work.phase.optimizer
    own = optimizer.layer_decay is not None or any(each.learning_rate is not None for each in optimizer.groups or ())
    base = number(optimizer.learning_rate)
    if base is None and not own:
        raise Unknown("the peak of the learning rate is not stated as a number")
    wanted = demands(observed, optimizer) if own else {}
    for group in groups_of(observed):
        if not own:
            yield {float(base or 0.0): None}
            continue
        found: dict[float, str | None] = {}
        for name in group["names"]:
            peak = number(wanted[name].learning_rate)
            if peak is None:
                raise Unknown("a peak of the learning rate is not stated as a number")
            found.setdefault(float(peak), name)
        yield found


def _judged(
    observed: Observed,
    work: Training,
    lines: Sequence[dict[str, Any]],
    peaks: Sequence[dict[float, str | None]],
    total: int,
    scale: Scale,
) -> tuple[_Wrong | None, str]:
    """The first wrong rate, if there is one whatever is left to the script: whether a warmup's part of a step counts,
    and whether the scheduler counted the updates that a loss scaler left out."""
    attempted = [line["step"] for line in lines]
    ways = [(attempted, "")]
    if any(line.get("skipped") for line in observed.trace):
        left_out = [line["step"] for line in observed.trace if line.get("skipped")]
        made = [step - sum(each < step for each in left_out) for step in attempted]
        ways.append((made, f", counted by the updates that were made: {len(left_out)} were skipped"))
    first: _Wrong | None = None
    for numbers, said in ways:
        for down in (False, True):
            wrong = _first_wrong(work.phase, lines, numbers, peaks, total, scale._replace(down=down))
            if wrong is None:
                return None, said
            first = first or wrong
    return first, ""


def _first_wrong(
    phase: Phase,
    lines: Sequence[dict[str, Any]],
    numbers: Sequence[int],
    peaks: Sequence[dict[float, str | None]],
    total: int,
    scale: Scale,
) -> _Wrong | None:
    phases = {peak: _from(phase, peak) for group in peaks for peak in group}
    for line, step in zip(lines, numbers, strict=True):
        demanded = {peak: learning_rate_at(own, step, total, scale) for peak, own in phases.items()}
        for rate, group in zip(rates_of(line, len(peaks)), peaks, strict=False):
            for peak, name in group.items() if rate is not None else ():
                if not math.isclose(float(rate or 0.0), demanded[peak], rel_tol=_RELATIVE, abs_tol=_ABSOLUTE):
                    return _Wrong(line, float(rate or 0.0), demanded[peak], name)
    return None


def _from(phase: Phase, peak: float) -> Phase:
    """The phase with another peak of the learning rate."""
    return phase.model_copy(update={"optimizer": phase.optimizer.model_copy(update={"learning_rate": peak})})
