"""Whether results decide a comparison, by the test that its claim states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from framework.manifest.assertions.sides import Part, Results, Undefined, Unsupported

State = Literal["supported", "refuted", "undecided"]
_POWER = 0.8


class Decision(NamedTuple):
    """``p`` is one-sided: the chance of results that support the comparison this well where it just does not hold;
    None of a comparison alone. ``needed`` is what would decide an undecided one."""

    state: State
    p: float | None
    figures: str
    needed: str = ""


def alone(part: Part, results: Results, count: int, over: str) -> Decision:
    """By comparison of both sides, or their means, without confidence.

    Raises:
        Undefined: a side has no finite value.
    """
    left, right = (side.values(results) if side.varies else [side.value(results)] for side in (part.left, part.right))
    first, second = (_mean(side, part) for side in (left, right))
    holds = {"<": first < second, "<=": first <= second, ">": first > second, ">=": first >= second}[part.symbol]
    of = "of one run" if count == 1 else f"of {count} {over}"
    figures = f"{first:.6g} against {second:.6g}, {of}, by comparison alone, without an interval"
    return Decision("supported" if holds else "refuted", None, figures)


def decided(part: Part, results: Results, test: str, confidence: float, over: str) -> Decision:
    """By a test at this one-sided confidence, over what varies (`seeds`, `tasks`).

    Raises:
        Unsupported: there are too few results for any test, or scipy is missing.
        Undefined: a side has no finite value.
    """
    try:
        return _decided(part, results, test, confidence, over)
    except OverflowError as problem:
        raise _beyond(part, problem) from None


def _decided(part: Part, results: Results, test: str, confidence: float, over: str) -> Decision:
    count = max(len(values) for values in results.values())
    if part.aggregates & {"best", "worst"}:
        return alone(part, results, count, over)
    try:
        import scipy  # noqa: F401  what decides needs it, and a check of configs does without
    except ImportError:
        raise Unsupported("the interval needs scipy: install the extra `reports`") from None
    if count < 2:
        listed = f"; the one difference is {_listed(_differences(part, results))}" if not part.aggregates else ""
        raise Unsupported(f"{confidence:.0%} confidence needs at least 2 {over}{listed}")
    if test in ("welch", "mann_whitney"):
        return _unpaired(part, results, test, confidence)
    if "median" in part.aggregates or test == "bootstrap":
        return _resampled(part, results, confidence, over)
    if part.aggregates:
        from framework.statistics.intervals import jackknife

        differences = jackknife([list(range(count))], lambda places: _of_places(part, results, places))
    else:
        differences = _differences(part, results)
    return _paired(part, differences, "t" if part.aggregates else test, confidence, over)


def _mean(values: Sequence[float], part: Part) -> float:
    try:
        return fmean(values)
    except OverflowError as problem:
        raise _beyond(part, problem) from None


def _beyond(part: Part, problem: OverflowError) -> Undefined:
    return Undefined(f"{part.text!r} has no value: {problem}")


def _differences(part: Part, results: Results) -> list[float]:
    """Left minus right at each place.

    Raises:
        OverflowError: one is beyond all numbers.
    """
    found = [left - right for left, right in zip(part.left.values(results), part.right.values(results), strict=True)]
    return _finite(found)


def _finite(values: list[float]) -> list[float]:
    if not all(map(math.isfinite, values)):
        raise OverflowError("a difference beyond all numbers")
    return values


def _of_places(part: Part, results: Results, places: Sequence[int]) -> float:
    """Left minus right of aggregates over some of the places."""
    some = {text: [values[place] for place in places] for text, values in results.items()}
    return part.left.value(some) - part.right.value(some)


def _paired(part: Part, differences: list[float], test: str, confidence: float, over: str) -> Decision:
    from framework.statistics.hypothesis_tests import paired_t, sign_flip
    from framework.statistics.intervals import t_half

    sign = 1.0 if part.symbol.startswith("<") else -1.0
    signed = [sign * difference for difference in _finite(differences)]
    n, mean = len(signed), fmean(signed)
    seen = sign * mean + 0.0  # which makes 0.0 of -0.0
    shown = f"mean difference {seen:+.4g} over {n} {over}"
    if len(set(signed)) == 1:
        holds = mean < 0 or (mean == 0 and part.symbol.endswith("="))
        figures = f"{shown}, bound {seen:+.4g}, without any spread"
        return Decision("supported" if holds else "refuted", 0.0 if holds else 1.0, figures)
    run = paired_t if test == "t" else sign_flip
    for_it, against = run(signed, "less"), run(signed, "greater")
    if test == "t":
        bound = mean + t_half(confidence, signed)
        figures = f"{shown}, bound {sign * bound:+.4g} ({for_it.method}, p {for_it.p:.2g})"
    else:
        figures = f"{shown} ({for_it.method}, p {for_it.p:.2g}, least attainable {for_it.attainable:.2g})"
    level = 1 - confidence
    state = _state(for_it.p, against.p, level)
    needed = ""
    if state == "undecided":
        least = math.ceil(math.log2(1 / level))
        needed = (
            f"no results of {n} could decide it by sign flips: at least {least} {over}"
            if test == "sign_flip" and n < least
            else _would_do(mean / stdev(signed), level, over)
        )
    return Decision(state, float(for_it.p), figures, needed)


def _state(for_it: float, against: float, level: float) -> State:
    return "supported" if for_it <= level else "refuted" if against <= level else "undecided"


def _would_do(effect: float, level: float, over: str) -> str:
    """How many places would do, if the difference is as seen."""
    from framework.statistics.power import seeds_for_paired

    try:
        count = seeds_for_paired(effect, _POWER, level, sides=1)
    except ValueError:
        return f"no number of {over} would, if the difference is as seen"
    way = "for it" if effect < 0 else "against it"
    return f"about {count} {over} would decide it {way} with a power of {_POWER:.0%}, if the difference is as seen"


def _unpaired(part: Part, results: Results, test: str, confidence: float) -> Decision:
    from framework.statistics.effects import superiority
    from framework.statistics.hypothesis_tests import mann_whitney, welch

    if part.aggregates or not (part.left.calls and part.right.calls):
        raise Unsupported(f"`test: {test}` compares results of two variants, and {part.text!r} does not")
    left, right = part.left.values(results), part.right.values(results)
    less = part.symbol.startswith("<")
    try:
        run = welch if test == "welch" else mann_whitney
        below, above = run(left, right, "less"), run(left, right, "greater")
    except ValueError as problem:
        raise Unsupported(str(problem)) from None
    for_it, against = (below, above) if less else (above, below)
    wins = superiority(left, right)
    difference = fmean(left) - fmean(right)
    figures = (
        f"mean difference {difference:+.4g} over {len(left)} and {len(right)}, left above right with {wins:.2f}"
        f" ({for_it.method}, p {for_it.p:.2g})"
    )
    state = _state(for_it.p, against.p, 1 - confidence)
    needed = ""
    if state == "undecided" and for_it.attainable > 1 - confidence:
        needed = f"no results of so few could decide it: the least p is {for_it.attainable:.2g}"
    return Decision(state, for_it.p, figures, needed)


def _resampled(part: Part, results: Results, confidence: float, over: str) -> Decision:
    """The percentile bootstrap over places that belong together: p is the share of resamples on the other side, with
    the observed among them."""
    import numpy as np

    from framework.statistics.intervals import RESAMPLES, resampled

    count = max(len(values) for values in results.values())

    def difference(places: Sequence[float]) -> float:
        here = [int(place) for place in places]
        return _of_places(part, results, here) if part.aggregates else fmean([found[place] for place in here])

    found = [] if part.aggregates else _differences(part, results)
    sign = 1.0 if part.symbol.startswith("<") else -1.0
    values = sign * resampled([range(count)], difference)
    seen = difference(range(count))
    equal = part.symbol.endswith("=")
    missed = int((values > 0).sum() if equal else (values >= 0).sum())
    met = int((values < 0).sum() if not equal else (values <= 0).sum())
    for_it, against = (missed + 1) / (RESAMPLES + 1), (met + 1) / (RESAMPLES + 1)
    bound = sign * float(np.quantile(values, confidence))
    few = ", which promises too much with fewer than 20" if count < 20 else ""
    figures = (
        f"difference {seen:+.4g} over {count} {over}, bound {bound:+.4g} (percentile bootstrap{few}, p {for_it:.2g})"
    )
    return Decision(_state(for_it, against, 1 - confidence), for_it, figures)


def _listed(values: list[float]) -> str:
    return "[" + ", ".join(f"{value:+.4g}" for value in values) + "]"
