"""The claim stage: do the results support what the paper says?

A claim compares arithmetic over results (:mod:`framework.stages.claim.results`), such as
`perplexity(M_sdm) <= 1.05 * perplexity(M_base)` or `latency(M_sdm) <= 0.8 * latency(M_base)`. It is held over the
declared seeds: both sides are computed for each seed, and the one-sided t interval of their difference must lie on
the claimed side (Student's t over paired differences; percentile bootstraps under-cover with so few seeds). With
fewer runs than declared it stays `unverified`, with what was seen so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.waivers import Judge
from framework.manifest.claims import CALL, Call, Unsupported, sides_of, value_of
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.sections.statements import Claim
from framework.stages.claim.results import Ambiguous, result_of

if TYPE_CHECKING:
    from framework.stages.run.observed import Observed

REFUTED = Rule("A101", "claim-unsupported", Severity.ERROR, Stage.CLAIM, "the results do not support a claim")


def claim_verdicts(experiment: Experiment, steps: list[Observed], judge: Judge) -> Iterator[Verdict]:
    """One verdict for each clause of each claim."""
    for index, claim in enumerate(experiment.manifest.claims):
        clauses = experiment.below(("claims", index))
        sides = sides_of(experiment, claim, index)
        for model in experiment.manifest.models:
            try:
                differences = _differences(experiment, claim, sides, steps, model)
                holds, spelled = _decided(claim, sides[1], differences)
            except Unsupported as reason:
                yield from (judge.unverified(clause, Stage.CLAIM, f"{model}: {reason}") for clause in clauses)
                continue
            if experiment.profile is not None:
                deviates = f"measured under the profile {experiment.profile}, not as the paper states"
                yield from (
                    judge.unverified(clause, Stage.CLAIM, f"{model}: {deviates}; {spelled}") for clause in clauses
                )
                continue
            yield from (_verdict(judge, clause, claim, holds, f"{model}: {spelled}") for clause in clauses)


def _verdict(judge: Judge, clause: Clause, claim: Claim, holds: bool, spelled: str) -> Verdict:
    if holds:
        return judge.conforms(clause, Stage.CLAIM, spelled)
    message = f"{claim.id}: the runs do not support {claim.assert_!r} with {claim.confidence:.0%} confidence; {spelled}"
    return judge.violated(
        clause, Finding(REFUTED, message, clause.id, claim.assert_, spelled, declared=clause.location)
    )


def _differences(
    experiment: Experiment, claim: Claim, sides: tuple[str, str, str], steps: list[Observed], model: str
) -> list[float]:
    """Left minus right of one model, for each seed."""
    left, _, right = sides
    differences, missing = [], []
    for seed in experiment.manifest.seeds:
        try:
            differences.append(
                value_of(left, _results(left, steps, model, seed))
                - value_of(right, _results(right, steps, model, seed))
            )
        except LookupError:
            missing.append(seed)
    if missing:
        seen = f"; so far left minus right is {_listed(differences)}" if differences else ""
        raise Unsupported(f"results are missing for seeds {missing}{seen}")
    return differences


def _results(side: str, steps: list[Observed], model: str, seed: int) -> dict[str, float]:
    """The value of each call in a side, by its text."""
    try:
        return {match[0]: result_of(Call.of(match), steps, model, seed) for match in CALL.finditer(side)}
    except Ambiguous as problem:
        raise Unsupported(str(problem)) from None


def _decided(claim: Claim, comparison: str, differences: list[float]) -> tuple[bool, str]:
    """Whether the one-sided interval of the mean difference lies on the claimed side, and the figures."""
    if len(differences) < 2:
        raise Unsupported(
            f"{claim.confidence:.0%} confidence needs at least 2 seeds; the one difference is {_listed(differences)}"
        )
    from statistics import fmean, stdev  # a check of configs, which holds no claim, does without it

    try:
        from scipy.stats import t
    except ImportError:
        raise Unsupported("the interval needs scipy: install the extra `reports`") from None
    sign = 1.0 if comparison.startswith("<") else -1.0
    signed = [sign * difference for difference in differences]
    half = float(t.ppf(claim.confidence, len(signed) - 1)) * stdev(signed) / math.sqrt(len(signed))
    bound = fmean(signed) + half
    spelled = f"mean difference {sign * fmean(signed):+.4g} over {len(signed)} seeds, bound {sign * bound:+.4g}"
    return (bound <= 0 if comparison.endswith("=") else bound < 0), spelled


def _listed(values: list[float]) -> str:
    return "[" + ", ".join(f"{value:+.4g}" for value in values) + "]"
