"""Runs that a script recorded: the weight decay of each parameter, and whether it was trained, against the groups that
are declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.manifest.clauses import Clause
from framework.manifest.sections.values.quantities import NONE
from framework.planning.steps import Training
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed
from framework.stages.run.recorded_parameters import decays, demands, untrained
from framework.stages.run.rules.optimizer import OPTIMIZER

UNTRAINED = Rule(
    "R128", "untrained", Severity.ERROR, Stage.RUN, "parameters were not trained that the manifest does not freeze"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if observed.run is not None and observed.scripted:
            yield from _decays(context, observed, work)
            yield from _trained(context, observed, work)


def _decays(context: EvidenceContext, observed: Observed, work: Training) -> Iterator[Verdict]:
    """The weight decay of all that is in no group with its own, and of each group that states one."""
    optimizer, step = work.phase.optimizer, observed.step
    stated: dict[int | None, Any] = {None: optimizer.weight_decay}
    stated |= {index: group.weight_decay for index, group in enumerate(optimizer.groups or ())}
    for index, declared in stated.items():
        fact = "optimizer.weight_decay" if index is None else f"optimizer.groups[{index}].weight_decay"
        clause = context.clause(step, fact)
        if clause is None or declared is None:
            continue
        try:
            found, wanted = decays(observed), demands(observed, optimizer)
        except NotRecorded as missing:
            yield context.judge.unverified(clause, context.stage, str(missing), observed.place().file)
            continue
        trained = (each for each, own in enumerate(optimizer.groups or ()) if not own.frozen)
        inherits = {None, *(each for each in trained if stated[each] is None)}
        within = {
            name: value
            for name, value in found.items()
            if (wanted[name].group in inherits if index is None else wanted[name].group == index)
        }
        amount = 0.0 if declared == NONE else declared
        yield _held(context, observed, clause, amount, within, "weight decay")


def _held(
    context: EvidenceContext, observed: Observed, clause: Clause, expected: Any, seen: Mapping[str, Any], what: str
) -> Verdict:
    """One verdict about all parameters that a clause is about."""
    where = observed.place()
    if not seen:
        reason = "no trained parameter is what it speaks of"
        return context.judge.unverified(clause, context.stage, reason, where.file)
    odd = {name: value for name, value in seen.items() if not same(expected, value)}
    if not odd:
        reason = f"{what} {said(expected)} of {len(seen)} parameters, each by itself"
        return context.judge.conforms(clause, context.stage, reason, where.file)
    name, value = next(iter(odd.items()))
    more = f" and {len(odd) - 1} more of {len(seen)}" if len(odd) > 1 else ""
    message = f"{observed.step.label}: {what} of {name}{more} was {said(value)}, not {said(expected)}"
    return context.violated(OPTIMIZER, clause, message, expected, value, where)


def _trained(context: EvidenceContext, observed: Observed, work: Training) -> Iterator[Verdict | Finding]:
    """Which parameters are trained: those of frozen groups are not, and all others are, but under an adapter."""
    optimizer, step, where = work.phase.optimizer, observed.step, observed.place()
    groups = dict(enumerate(optimizer.groups or ()))
    clauses = {
        (index, fact): clause
        for index, group in groups.items()
        for fact in ("parameters", "frozen")
        if getattr(group, fact) is not None
        and (clause := context.clause(step, f"optimizer.groups[{index}].{fact}")) is not None
    }
    try:
        left, wanted = untrained(observed), demands(observed, optimizer)
    except NotRecorded as missing:
        for clause in clauses.values():
            yield context.judge.unverified(clause, context.stage, str(missing), where.file)
        return
    members = {index: [name for name, each in wanted.items() if each.group == index] for index in groups}
    for (index, fact), clause in clauses.items():
        own = members[index]
        if not own:
            reason = f"no parameter of the model is in groups[{index}]"
            yield context.judge.unverified(clause, context.stage, reason, where.file)
        elif fact == "parameters":
            reason = f"{len(own)} parameters, each held by itself"
            yield context.judge.conforms(clause, context.stage, reason, where.file)
        else:
            seen = {name: name in left for name in own}
            yield _held(context, observed, clause, groups[index].frozen, seen, "frozen")
    frozen = {name for index, group in groups.items() if group.frozen is not None for name in members[index]}
    odd = [name for name in left if name not in frozen]
    if odd and work.adapter is None:
        yield _not_trained(context, observed, odd)


def _not_trained(context: EvidenceContext, observed: Observed, names: list[str]) -> Verdict | Finding:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    message = f"{observed.step.label}: {names[0]}{more} was not trained, and no group that is declared freezes it"
    advice = "train it, or state a group of `optimizer.groups` that is frozen"
    facts = ("optimizer.groups", "optimizer.name", "optimizer.learning_rate", "optimizer.weight_decay")
    clause = next((each for fact in facts for each in context.clauses_below(observed.step, fact)), None)
    if clause is None:
        return Finding(UNTRAINED, message, location=observed.place(), advice=advice)
    finding = Finding(
        UNTRAINED, message, clause.id, "trained", "not trained", observed.place(), clause.location, advice=advice
    )
    return context.judge.violated(clause, finding, observed.place().file)
