"""Seeds that are counted twice, and claims that so few seeds cannot carry."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.sections.statements import Claim
from framework.stages.manifest.context import ManifestContext

DUPLICATE = Rule("M170", "duplicate-seed", Severity.ERROR, Stage.MANIFEST, "a seed stands twice in the list")
OUT_OF_REACH = Rule(
    "M171", "claim-out-of-reach", Severity.ERROR, Stage.MANIFEST, "a claim's confidence needs more seeds than declared"
)
UNDERPOWERED = Rule(
    "M172",
    "claim-underpowered",
    Severity.WARNING,
    Stage.MANIFEST,
    "so few seeds reach a claim's confidence only if the differences are normal",
)


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    seeds = experiment.stated.seeds
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    clause = experiment.by_path.get(("seeds",))
    if twice and clause is not None:
        once = list(dict.fromkeys(seeds))
        message = f"{len(seeds)} seeds are declared, and {said(twice)} stand more than once: {len(once)} runs"
        finding = Finding(
            DUPLICATE, message, clause.id, once, seeds, clause.location, advice=f"write {said(once)}, or other seeds"
        )
        yield context.judge.violated(clause, finding)
    if not experiment.stated.claims:
        return
    from framework.manifest.assertions.assertion import assertion_of
    from framework.manifest.assertions.sides import by_comparison_alone

    for index, claim in enumerate(experiment.stated.claims):
        count = len(set(claim.seeds or seeds))
        if claim.over != "tasks" and not by_comparison_alone(claim, assertion_of(experiment, claim, index), count):
            yield from _reachable(context, index, claim, count)


def _reachable(context: ManifestContext, index: int, claim: Claim, seeds: int) -> Iterator[Verdict]:
    """An interval over differences needs two of them. Without assuming that they are normal, `n` paired differences
    can at best be all of one sign, which chance does with 1 / 2**n (the sign-flip test)."""
    best = 1 - 0.5**seeds
    if seeds >= 2 and best >= claim.confidence:
        return
    experiment = context.experiment
    clause = experiment.by_path.get(("claims", index, "confidence")) or experiment.by_path["claims", index, "assert"]
    needed = next(n for n in range(2, 1000) if 1 - 0.5**n >= claim.confidence)
    rule = OUT_OF_REACH if seeds < 2 else UNDERPOWERED
    message = f"{claim.id} claims {claim.confidence:.0%} confidence over {seeds} seed{'s' if seeds != 1 else ''}"
    if seeds < 2:
        message += ": without a second one there is no interval"
    else:
        message += f": a sign-flip test over {seeds} pairs reaches {best:.1%} at best, so it rests on normality"
    advice = f"declare at least {needed} seeds, or claim at most {max(best, 0.5):.1%}"
    if seeds < 2:
        advice = f"declare at least {needed} seeds, or say `test: comparison`: what these runs show, without confidence"
    finding = Finding(
        rule, message, clause.id, f"{needed} seeds", seeds, clause.location, experiment.location(("seeds",)), advice
    )
    yield context.judge.violated(clause, finding)
