"""How large a difference is, beside whether there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev, variance

import numpy as np

from framework.statistics.intervals import RESAMPLES, Interval, bootstrap_interval

_LARGEST_T = 1e4
"""Beyond, the noncentral t distribution has too few digits for an interval."""


def paired_d(differences: Sequence[float]) -> float:
    """Cohen's d of paired differences, d_z: their mean over their standard deviation (Cohen 1988, section 2.3.5).

    Raises:
        ValueError: fewer than two, or without any spread.
    """
    if len(differences) < 2 or not (spread := stdev(differences)):
        raise ValueError("an effect size needs at least 2 differences that differ")
    return fmean(differences) / spread


def hedges_g(first: Sequence[float], second: Sequence[float]) -> float:
    """The difference of means over the pooled standard deviation, without the bias of few values (Hedges 1981,
    *J. Educ. Stat.* 6:107, the exact factor).

    Raises:
        ValueError: fewer than two values on a side, or no spread on either.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError("an effect size needs at least 2 values on each side")
    freedom = len(first) + len(second) - 2
    pooled = ((len(first) - 1) * variance(first) + (len(second) - 1) * variance(second)) / freedom
    if not pooled:
        raise ValueError("an effect size needs a spread")
    return bias_factor(freedom) * (fmean(first) - fmean(second)) / math.sqrt(pooled)


def bias_factor(freedom: int) -> float:
    """Hedges's J(m) = Γ(m/2) / (√(m/2) Γ((m-1)/2)) of at least two degrees of freedom."""
    return math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)


def superiority(first: Sequence[float], second: Sequence[float]) -> float:
    """P(A > B) + P(A = B)/2 of one value drawn from each side: U/(mn) (Vargha & Delaney 2000).

    Raises:
        ValueError: no values on a side.
    """
    from scipy.stats import rankdata

    if not len(first) or not len(second):
        raise ValueError("no values on one side")
    ranks = rankdata(np.concatenate([np.asarray(first, float), np.asarray(second, float)]))
    m, n = len(first), len(second)
    return float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))


def superiority_interval(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """P(A > B) with the percentile bootstrap's interval (Bouthillier et al. 2021, section 4.1); both samples are
    resampled by themselves. Sides that never overlap have an interval of no width: seeds that few show no overlap."""
    return bootstrap_interval([first, second], superiority, confidence, "percentile", resamples=resamples)


def cliffs_delta(first: Sequence[float], second: Sequence[float]) -> float:
    """P(A > B) - P(A < B) (Cliff 1993)."""
    return 2 * superiority(first, second) - 1


def paired_d_interval(differences: Sequence[float], confidence: float = 0.95) -> Interval:
    """:func:`paired_d` with its exact interval under normal differences: the noncentral t distributions that have the
    observed t at either tail (Steiger & Fouladi 1997; Cumming & Finch 2001, *Educ. Psychol. Meas.* 61:532).

    Raises:
        ValueError: fewer than two, or without any spread.
    """
    n = len(differences)
    return _by_noncentrality(paired_d(differences), math.sqrt(n), n - 1, confidence)


def hedges_g_interval(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """:func:`hedges_g` with the interval of the uncorrected effect, by the noncentral t distribution, times its factor.

    Raises:
        ValueError: fewer than two values on a side, or no spread on either.
    """
    m, n = len(first), len(second)
    factor = bias_factor(m + n - 2)
    found = _by_noncentrality(hedges_g(first, second) / factor, math.sqrt(m * n / (m + n)), m + n - 2, confidence)
    return Interval(found.estimate * factor, found.low * factor, found.high * factor, confidence, found.method)


def _by_noncentrality(effect: float, scale: float, freedom: int, confidence: float) -> Interval:
    """The interval of an effect whose t value is ``effect * scale``."""
    from scipy.optimize import brentq
    from scipy.stats import nct

    t = abs(effect) * scale
    if t > _LARGEST_T:
        raise ValueError("an effect size needs a spread: next to the difference there is none")
    tail = (1 - confidence) / 2
    reach = 10 + 2 * t

    def below(shift: float) -> float:
        found = float(nct.cdf(t, freedom, shift))
        return found if math.isfinite(found) else float(shift < t)  # scipy has no digits left far from t

    def end(share: float) -> float:
        return float(brentq(lambda shift: below(shift) - share, t - reach, t + reach)) / scale

    low, high = end(1 - tail), end(tail)
    if effect < 0:
        low, high = -high, -low
    return Interval(effect, low, high, confidence, f"noncentral t, {freedom} degrees of freedom")
