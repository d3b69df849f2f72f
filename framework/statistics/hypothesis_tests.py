"""Tests of whether one method's results differ from another's, each with the least p that so few seeds can reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

import numpy as np

Alternative = Literal["two-sided", "less", "greater"]
_EXACT = 20
"""Up to how many pairs all 2^n signs are gone through."""
_DRAWN = 100_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Tested:
    """A test's p value; ``attainable`` is the least that any results of this many seeds could have given."""

    p: float
    attainable: float
    method: str

    @property
    def powerless(self) -> bool:
        """Whether no results at all could have been significant at 5%."""
        return self.attainable > 0.05


def sign_flip(differences: Sequence[float], alternative: Alternative = "two-sided") -> Tested:
    """The paired permutation test: under the null hypothesis each difference is as likely with the other sign (Fisher
    1935, *The Design of Experiments*, section 21).

    All 2^n signs up to 20 pairs; beyond, 100,000 drawn ones with the observed among them (Phipson & Smyth 2010).

    Raises:
        ValueError: no differences.
    """
    n = len(differences)
    if n == 0:
        raise ValueError("no pairs")
    values = np.asarray(differences, dtype=np.float64)
    observed = values.sum()
    slack = 1e-12 * np.abs(values).sum()  # sums of the same numbers in another order are equal
    sides = 2 if alternative == "two-sided" else 1
    if n <= _EXACT:
        sums = np.zeros(1)
        for value in values:
            sums = np.concatenate([sums - value, sums + value])
        count, of, how = _as_far(sums, observed, slack, alternative), 2**n, f"all {2**n} sign flips"
        return Tested(count / of, min(1.0, sides / of), how)
    generator = np.random.default_rng(_SEED)
    count = 1
    for start in range(0, _DRAWN, 1_000):
        signs = generator.integers(0, 2, (min(1_000, _DRAWN - start), n)) * 2 - 1
        count += _as_far(signs @ values, observed, slack, alternative)
    return Tested(count / (_DRAWN + 1), 1 / (_DRAWN + 1), f"{_DRAWN} drawn sign flips")


def _as_far(sums: np.ndarray, observed: float, slack: float, alternative: Alternative) -> int:
    if alternative == "less":
        return int((sums <= observed + slack).sum())
    if alternative == "greater":
        return int((sums >= observed - slack).sum())
    return int((np.abs(sums) >= abs(observed) - slack).sum())


def paired_t(differences: Sequence[float], alternative: Alternative = "two-sided") -> Tested:
    """Student's test of whether the mean difference is 0 (Student 1908).

    Differences that are all alike have p 0 or 1: no spread was seen.

    Raises:
        ValueError: fewer than two differences.
    """

    n = len(differences)
    if n < 2:
        raise ValueError("a t test needs at least 2 pairs")
    mean, spread = fmean(differences), stdev(differences)
    statistic = mean / (spread / math.sqrt(n)) if spread else math.copysign(math.inf, mean) if mean else 0.0
    return Tested(_tail(statistic, n - 1, alternative), 0.0, f"paired t, {n - 1} degrees of freedom")


def _tail(statistic: float, freedom: float, alternative: Alternative) -> float:
    from scipy.stats import t

    if alternative == "less":
        return float(t.cdf(statistic, freedom))
    if alternative == "greater":
        return float(t.sf(statistic, freedom))
    return min(1.0, 2 * float(t.sf(abs(statistic), freedom)))


def welch(first: Sequence[float], second: Sequence[float], alternative: Alternative = "two-sided") -> Tested:
    """The unpaired t test without equal variances (Welch 1947, *Biometrika* 34:28).

    Raises:
        ValueError: fewer than two values on a side, or no spread on either.
    """
    from scipy.stats import ttest_ind

    if min(len(first), len(second)) < 2:
        raise ValueError("Welch's test needs at least 2 values on each side")
    if len({*first}) == 1 and len({*second}) == 1:
        raise ValueError("Welch's test needs a spread: all values of each side are equal")
    found = ttest_ind(first, second, equal_var=False, alternative=alternative)
    return Tested(float(found.pvalue), 0.0, f"Welch, {found.df:.3g} degrees of freedom")


def mann_whitney(first: Sequence[float], second: Sequence[float], alternative: Alternative = "two-sided") -> Tested:
    """The unpaired rank test (Mann & Whitney 1947), exact where there are no ties and at most 20 values on a side.

    Raises:
        ValueError: no values on a side.
    """
    from scipy.stats import mannwhitneyu

    if not first or not second:
        raise ValueError("no values on one side")
    tied = len({*first, *second}) < len(first) + len(second)
    exact = not tied and max(len(first), len(second)) <= _EXACT
    found = mannwhitneyu(first, second, alternative=alternative, method="exact" if exact else "asymptotic")
    sides = 2 if alternative == "two-sided" else 1
    least = min(1.0, sides / math.comb(len(first) + len(second), len(first)))
    return Tested(
        float(found.pvalue), least if exact else 0.0, "Mann-Whitney, exact" if exact else "Mann-Whitney, ties or many"
    )


def equivalence(differences: Sequence[float], margin: float) -> Tested:
    """Whether the mean of paired differences lies within ±``margin``: two one-sided t tests, the greater p of both
    (Schuirmann 1987, *J. Pharmacokinet. Biopharm.* 15:657).

    Raises:
        ValueError: fewer than two differences, or a margin that is not above 0.
    """

    if not margin > 0:
        raise ValueError("an equivalence needs a margin above 0")
    above = paired_t([difference + margin for difference in differences], "greater")
    below = paired_t([difference - margin for difference in differences], "less")
    return Tested(max(above.p, below.p), 0.0, f"two one-sided t tests, margin {margin:g}")
