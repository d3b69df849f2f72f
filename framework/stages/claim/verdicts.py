"""The claim stage: do the results support what the paper says?

A claim compares arithmetic over results (:mod:`framework.stages.claim.results`), such as
`perplexity(M_sdm) <= 1.05 * perplexity(M_base)` or `latency(M_sdm) <= 0.8 * latency(M_base)`. By default it is held
over the declared seeds: both sides are computed for each seed, and the one-sided t interval of their difference must
lie on the claimed side (Student's t over paired differences; percentile bootstraps under-cover with so few seeds).

It is *supported* (`conforms`), *refuted* (`violated`: the interval lies on the other side), *undecided* (`unverified`,
and said: the interval holds both) or without evidence (`unverified`). Of several comparisons all must be supported,
each at the stated confidence, and one that is refuted refutes them (the intersection-union test: Berger 1982).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.waivers import Judge
from framework.manifest.assertions.assertion import assertion_of
from framework.manifest.assertions.calls import CALL, Call
from framework.manifest.assertions.sides import Part, Unsupported, by_comparison_alone
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.sections.statements import Claim
from framework.stages.claim.decisions import Decision, alone, decided
from framework.stages.claim.results import Ambiguous, result_of

if TYPE_CHECKING:
    from framework.stages.run.observed import Observed

REFUTED = Rule("A101", "claim-unsupported", Severity.ERROR, Stage.CLAIM, "the results refute a claim")
UNDECIDED = Rule("A102", "claim-undecided", Severity.WARNING, Stage.CLAIM, "the results do not decide a claim")
Place = tuple[int, str | None]
"""A seed, and a task where a claim is over tasks."""
Found = dict[str, dict[Place, float]]
"""The results by the text of their call, and their place."""
MISSED = Rule("A103", "stretch-missed", Severity.WARNING, Stage.CLAIM, "the results refute a stretch goal")


@dataclass(frozen=True, slots=True)
class Held:
    """A claim of one model: its decision, or why there is none; ``adjusted`` is its p after its family's correction."""

    index: int
    claim: Claim
    model: str
    decision: Decision | None
    reason: str = ""
    adjusted: float | None = None
    family: int = 1


def claim_verdicts(experiment: Experiment, steps: list[Observed], judge: Judge) -> Iterator[Verdict | Finding]:
    """One verdict for each clause of each claim and model."""
    for held in _corrected([*_held(experiment, steps)]):
        clauses = experiment.below(("claims", held.index))
        reason, finding = _said(held, clauses)
        if experiment.profile is not None:
            deviates = f"measured under the profile {experiment.profile}, not as the paper states"
            if held.decision is not None:
                decided_there = "" if held.decision.state == "undecided" else f"{held.decision.state} there: "
                reason = f"{deviates}; {decided_there}{reason}"
            reason, finding = f"{held.model}: {reason}", None
        else:
            reason = f"{held.model}: {reason}"
        for clause in clauses:
            if finding is not None and finding.rule is not UNDECIDED:
                own = finding._replace(clause=clause.id, declared=clause.location)
                yield judge.violated(clause, own)
            elif held.decision is not None and experiment.profile is None and finding is None:
                yield judge.conforms(clause, Stage.CLAIM, reason)
            else:
                yield judge.unverified(clause, Stage.CLAIM, reason)
        if finding is not None and finding.rule is UNDECIDED:
            yield finding


def _held(experiment: Experiment, steps: list[Observed]) -> Iterator[Held]:
    for index, claim in enumerate(experiment.manifest.claims):
        parts = assertion_of(experiment, claim, index)
        for model in experiment.manifest.models:
            try:
                yield Held(index, claim, model, _decision(experiment, claim, parts, steps, model))
            except Unsupported as reason:
                yield Held(index, claim, model, None, str(reason))


def _decision(experiment: Experiment, claim: Claim, parts: list[Part], steps: list[Observed], model: str) -> Decision:
    seeds = claim.seeds or experiment.manifest.seeds
    views = ("seeds", "tasks") if claim.over == "both" else (claim.over,)
    found = []
    for part in parts:
        for view in views:
            results = _results(claim, part, steps, model, seeds, view)
            count = max(map(len, results.values()))
            if by_comparison_alone(claim, parts, len(seeds)):
                decision = alone(part, results, count, view)
            else:
                decision = decided(part, results, claim.test or "t", claim.confidence, view)
            several = len(parts) * len(views) > 1
            found.append(decision._replace(figures=f"{part.text}: {decision.figures}") if several else decision)
    states = {decision.state for decision in found}
    state = "refuted" if "refuted" in states else "undecided" if "undecided" in states else "supported"
    p_values = [decision.p for decision in found if decision.p is not None]
    needed = "; ".join(decision.needed for decision in found if decision.needed)
    return Decision(state, max(p_values, default=None), "; ".join(each.figures for each in found), needed)  # type: ignore[arg-type]


def _results(
    claim: Claim, part: Part, steps: list[Observed], model: str, seeds: list[int], over: str
) -> dict[str, list[float]]:
    """What each call of a comparison came to at each seed, or at each task with the mean of its seeds.

    Raises:
        Unsupported: results are missing, or not told apart.
    """
    calls = {text: Call.of(match) for text in part.calls if (match := CALL.fullmatch(text))}
    tasks = [None] if claim.over == "seeds" else _tasks(claim, list(calls.values()), steps)
    found: Found = {text: {} for text in calls}
    missing: dict[Place, None] = {}
    for text, call in calls.items():
        for seed in seeds:
            for task in tasks:
                try:
                    asked = call if task is None else call._replace(task=task)
                    found[text][seed, task] = result_of(asked, steps, model, seed)
                except LookupError:
                    missing[seed, task] = None
                except Ambiguous as problem:
                    raise Unsupported(str(problem)) from None
    if missing:
        raise Unsupported(_missing(part, found, seeds, list(missing)))
    if over == "tasks":
        return {text: [fmean(values[seed, task] for seed in seeds) for task in tasks] for text, values in found.items()}
    return {text: [fmean(values[seed, task] for task in tasks) for seed in seeds] for text, values in found.items()}


def _tasks(claim: Claim, calls: list[Call], steps: list[Observed]) -> list[str | None]:
    """The tasks that all variants of the calls have, in the plan's order.

    Raises:
        Unsupported: there are none.
    """
    if claim.tasks is not None:
        return [*claim.tasks]
    of = {
        call.variant: dict.fromkeys(
            each.step.task for each in steps if each.step.task is not None and call.variant in each.step.variants
        )
        for call in calls
    }
    first, *rest = of.values()
    common: list[str | None] = [task for task in first if all(task in other for other in rest)]
    if not common:
        raise Unsupported(f"{', '.join(of)} have no tasks in common")
    return common


def _missing(part: Part, found: Found, seeds: list[int], missing: list[Place]) -> str:
    if any(task is not None for _, task in missing):
        return f"results are missing for {', '.join(f'{task} (seed {seed})' for seed, task in missing)}"
    whole = [seed for seed in seeds if all((seed, None) in values for values in found.values())]
    results = {text: [values[seed, None] for seed in whole] for text, values in found.items()}
    seen = ""
    if whole and not part.aggregates:
        pairs = zip(part.left.values(results), part.right.values(results), strict=True)
        seen = f"; so far left minus right is [{', '.join(f'{left - right:+.4g}' for left, right in pairs)}]"
    return f"results are missing for seeds {[seed for seed, _ in missing]}{seen}"


def _corrected(held: list[Held]) -> list[Held]:
    """With the p values of each family corrected for its size; a claim without results counts with p = 1."""
    families: dict[str, list[int]] = {}
    for place, each in enumerate(held):
        if each.claim.family is not None and each.claim.correction != "none":
            families.setdefault(each.claim.family, []).append(place)
    for places in families.values():
        from framework.statistics.corrections import corrected

        members = [held[place] for place in places]
        p_values = [1.0 if each.decision is None or each.decision.p is None else each.decision.p for each in members]
        for place, each, p in zip(places, members, corrected(p_values, members[0].claim.correction), strict=True):
            decision = each.decision
            if decision is not None and decision.state == "supported" and p > 1 - each.claim.confidence:
                more = f"alone it would be supported, corrected for {len(places)} claims it is not"
                decision = decision._replace(state="undecided", needed=more)
            held[place] = replace(each, decision=decision, adjusted=p, family=len(places))
    return held


def _said(held: Held, clauses: list[Clause]) -> tuple[str, Finding | None]:
    """The figures, and the finding of a claim that is refuted or undecided."""
    claim, decision = held.claim, held.decision
    if decision is None:
        return held.reason, None
    figures = decision.figures
    if held.adjusted is not None:
        figures += f"; p {held.adjusted:.2g} corrected for {held.family} of {claim.family} ({claim.correction})"
    if decision.state == "supported":
        return figures, None
    where = clauses[0] if clauses else None
    needed = f"; {decision.needed}" if decision.needed else ""
    how = "" if decision.p is None else f" with {claim.confidence:.0%} confidence"
    if decision.state == "undecided":
        message = f"{claim.id}: the runs neither support nor refute {claim.assert_!r}{how}; {held.model}: {figures}"
        finding = Finding(UNDECIDED, message + needed, where.id if where else None, claim.assert_, figures)
        return f"undecided; {figures}{needed}", finding._replace(declared=where.location if where else None)
    rule = MISSED if claim.level == "stretch" else REFUTED
    message = f"{claim.id}: the runs do not support {claim.assert_!r}{how}; {held.model}: {figures}"
    return figures, Finding(rule, message, None, claim.assert_, f"{held.model}: {figures}")
