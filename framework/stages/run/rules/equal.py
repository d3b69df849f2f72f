"""Variants that must be alike in a budget, and whose runs are not: what they took, added up over all that they did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import Clause
from framework.manifest.sections.statements import BUDGETS, Equal
from framework.manifest.sections.values.quantities import whole
from framework.planning.steps import Training
from framework.stages.manifest.flops import per_token
from framework.stages.manifest.likeness import Likeness, near
from framework.stages.run.logged import count
from framework.stages.run.matched_runs import course_of, finals_of, paired
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

UNEQUAL = Rule("R113", "unequal", Severity.ERROR, Stage.RUN, "runs that must be alike in a budget are not")
_HERE = tuple(budget for budget in BUDGETS if budget != "parameters")
"""What runs record; the parameters are counted in the checkpoints."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for clause, spec in equalities(context):
        for of in (each for each in spec.of if each in _HERE):
            yield from _held(context, clause, spec, of)


def equalities(context: EvidenceContext) -> Iterator[tuple[Clause, Equal]]:
    """The rules of this kind, each with its clause."""
    for index, rule in enumerate(context.experiment.manifest.rules):
        kind, spec = rule.chosen
        clause = context.experiment.by_path.get(("rules", index, kind, "of"))
        if isinstance(spec, Equal) and clause is not None:
            yield clause, spec


def _held(context: EvidenceContext, clause: Clause, spec: Equal, of: str) -> Iterator[Verdict]:
    finals = finals_of(context, spec.variants)
    if not all(finals):
        yield context.judge.unverified(clause, context.stage, "not planned for all its variants")
    for one, other in paired(finals):
        yield _pair(context, clause, spec, of, one, other)


def _pair(context: EvidenceContext, clause: Clause, spec: Equal, of: str, one: Observed, other: Observed) -> Verdict:
    courses = [course_of(context, each) for each in (one, other)]
    for observed in (*courses[0], *courses[1]):
        if observed.run is None:
            return context.judge.unverified(clause, context.stage, observed.absent)
    first, second = ([each for each in course if isinstance(each.step.work, Training)] for course in courses)
    try:
        seen = _likeness(of, first, second, spec.within)
    except NotRecorded as missing:
        return context.judge.unverified(clause, context.stage, f"{of}: {missing}")
    return told(context, UNEQUAL, clause, of, (one, other), seen)


def told(
    context: EvidenceContext, rule: Rule, clause: Clause, of: str, pair: tuple[Observed, Observed], seen: Likeness
) -> Verdict:
    """The verdict about two runs."""
    one, other = pair
    names, where = f"{one.step.label} and {other.step.label}", other.place()
    if seen.alike:
        return context.judge.conforms(clause, context.stage, f"{of} of {names}: {seen.why}", where.file)
    message = f"{names} must be equal in {of}, and have {seen.why}"
    return context.violated(rule, clause, message, seen.first, seen.second, where)


def _likeness(of: str, first: list[Observed], second: list[Observed], within: float | None) -> Likeness:
    if of == "data":
        return _data(first, second)
    if of == "trainable_parameters":
        if not first or not second:
            raise NotRecorded("nothing was trained")
        last = [each[-1].recorded("parameters", "trainable") for each in (first, second)]
        return near(last[0], last[1], within)
    taken = [sum(_taken(of, each) for each in course) for course in (first, second)]
    return near(taken[0], taken[1], within)


def _taken(of: str, observed: Observed) -> float:
    """What a training took, by its trace; a log that leaves steps out does not say it."""
    steps = count(observed, "optimizer_steps") if observed.logged else len(observed.trace)
    if steps is None:
        raise NotRecorded(f"{observed.step.label}: the log does not say how many steps there were")
    if of == "optimizer_steps":
        return steps
    name = "tokens" if of == "flops" else of
    amounts = [line[name] for line in observed.trace if name in line]
    if len(amounts) != steps:
        raise NotRecorded(f"{observed.step.label}: not every step's {name} are recorded")
    total: float = sum(amounts)
    return total if of != "flops" else total * _per_token(observed)


def _per_token(observed: Observed) -> int:
    work = observed.step.work
    assert isinstance(work, Training)
    length = whole(work.phase.sequence_length) or 0
    forward = per_token(observed.step.model, length, language_model=work.phase.objective == "causal_lm")
    if forward is None:
        raise NotRecorded(f"models.{observed.step.model_name} states not all sizes that decide its FLOPs")
    return forward.training(frozen=work.adapter is not None)


def _data(first: list[Observed], second: list[Observed]) -> Likeness:
    """The same examples (by their fingerprint) in the same order: batches of one size, drawn with one seed."""
    if len(first) != len(second):
        return Likeness(False, f"{len(first)} and {len(second)} trainings", len(first), len(second))
    for one, other in zip(first, second, strict=True):
        if len({str(each.run.record.data.get("fingerprint_of")) for each in (one, other) if each.run}) > 1:
            raise NotRecorded("their fingerprints are of two kinds")
        facts = [_drawn(each) for each in (one, other)]
        for what, value in facts[0].items():
            if value != facts[1][what]:
                return Likeness(False, f"{what} {said(value)} and {said(facts[1][what])}", value, facts[1][what])
    return Likeness(True, "the same data in the same order")


def _drawn(observed: Observed) -> dict[str, Any]:
    batch = next((line["samples"] for line in observed.trace if "samples" in line), count(observed, "batch_size"))
    if batch is None:
        raise NotRecorded(f"{observed.step.label}: the size of its batches is not recorded")
    return {
        "the fingerprint": observed.recorded("data", "fingerprint"),
        "batches of": batch,
        "the seed": observed.recorded("observed", "seed"),
    }
