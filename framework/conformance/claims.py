"""The claim stage: do the results support what the paper says?

A claim compares arithmetic over results (:mod:`framework.conformance.results`), such as
`perplexity(M_sdm) <= 1.05 * perplexity(M_base)` or `latency(M_sdm) <= 0.8 * latency(M_base)`. It is held over the
declared seeds: both sides are computed for each seed, and the one-sided t interval of their difference must lie on
the claimed side (Student's t over paired differences; percentile bootstraps under-cover with so few seeds). With
fewer runs than declared it stays `unverified`, with what was seen so far.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.results import CALL, Ambiguous, Call
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.manifest.clauses import Clause
from framework.manifest.derived import OPERATORS
from framework.manifest.loading import Experiment
from framework.manifest.statements import Claim
from framework.names import did_you_mean

if TYPE_CHECKING:
    from framework.conformance.observing import Observed

REFUTED = Rule("A101", "claim-unsupported", Severity.ERROR, Stage.CLAIM, "the results do not support a claim")

_COMPARISON = re.compile(r"<=|>=|<|>")


class Unsupported(Exception):
    """The claim cannot be decided yet; the message says why."""


class Undefined(Unsupported):
    """A side has no value for these results: it divides by zero, or is beyond all numbers."""


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


def sides_of(experiment: Experiment, claim: Claim, index: int) -> tuple[str, str, str]:
    """Left side, comparison and right side.

    Raises:
        InputError: the claim is not a comparison of arithmetic over results, or names an unknown variant or task.
    """
    where = experiment.location(("claims", index, "assert"))
    parts = _COMPARISON.split(claim.assert_)
    if len(parts) != 2:
        raise InputError.at(where, f"not one comparison (<=, >=, <, >): {claim.assert_!r}")
    tasks = {task for phase in experiment.stated.phases.values() for task in phase.tasks}
    results: dict[str, float] = {}
    for match in CALL.finditer(claim.assert_):
        results[match[0]] = 1.0
        try:
            call = Call.of(match)
        except ValueError as problem:
            raise InputError.at(where, str(problem)) from None
        for kind, name, known in (("variant", call.variant, experiment.stated.variants), ("task", call.task, tasks)):
            if name is not None and name not in known:
                raise InputError.at(where, f"unknown {kind} {name!r}", did_you_mean(name, known))
    if not results:
        raise InputError.at(where, f"{claim.assert_!r} names no result", "write `metric(variant)`")
    for side in parts:
        try:
            _value(side, results)
        except Undefined:
            continue
        except (SyntaxError, Unsupported, ValueError, RecursionError, MemoryError):
            raise InputError.at(where, f"not arithmetic over measured results: {side.strip()!r}") from None
    comparison = _COMPARISON.search(claim.assert_)
    assert comparison is not None
    return parts[0], comparison[0], parts[1]


def _differences(
    experiment: Experiment, claim: Claim, sides: tuple[str, str, str], steps: list[Observed], model: str
) -> list[float]:
    """Left minus right of one model, for each seed."""
    left, _, right = sides
    differences, missing = [], []
    for seed in experiment.manifest.seeds:
        try:
            differences.append(
                _value(left, _results(left, steps, model, seed)) - _value(right, _results(right, steps, model, seed))
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
        return {match[0]: Call.of(match).value(steps, model, seed) for match in CALL.finditer(side)}
    except Ambiguous as problem:
        raise Unsupported(str(problem)) from None


def _value(side: str, results: Mapping[str, float]) -> float:
    names: dict[str, float] = {}

    def named(match: re.Match[str]) -> str:
        names[f"_{len(names)}"] = results[match[0]]
        return f"_{len(names) - 1}"

    try:
        return _arithmetic(ast.parse(CALL.sub(named, side).strip(), mode="eval").body, names, side)
    except ArithmeticError as problem:
        raise Undefined(f"{side.strip()!r} has no value: {problem}") from None


def _arithmetic(node: ast.expr, names: Mapping[str, float], side: str) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_arithmetic(node.operand, names, side)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_arithmetic(node.left, names, side), _arithmetic(node.right, names, side))
    raise Unsupported(f"not arithmetic over measured results: {side.strip()!r}")


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
