"""How large a difference is, beside whether there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev, variance

import numpy as np

from framework.statistics.intervals import Interval, bootstrap_interval


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


def superiority_interval(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """P(A > B) with the percentile bootstrap's interval (Bouthillier et al. 2021, section 4.1); both samples are
    resampled by themselves. Sides that never overlap have an interval of no width: seeds that few show no overlap."""
    return bootstrap_interval([first, second], superiority, confidence, "percentile")


def cliffs_delta(first: Sequence[float], second: Sequence[float]) -> float:
    """P(A > B) - P(A < B) (Cliff 1993)."""
    return 2 * superiority(first, second) - 1
