"""What a search of n trials finds: expected validation performance against budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framework.statistics.intervals import Interval, bootstrap_interval


def expected_best(values: Sequence[float], trials: int, lower: bool = False) -> float:
    """The expected best of ``trials`` of the given trials' results (Dodge et al. 2019, *Show Your Work*), drawn
    without replacement, which is unbiased (Tang et al. 2020, *Showing Your Work Doesn't Always Work*).

    Args:
        values: results of independent trials of one search (random search; not of a sampler that learns).
        trials: at least 1, at most ``len(values)``.
        lower: whether less is better.

    Raises:
        ValueError: more trials than there are results, or none.
    """
    n = len(values)
    if not 1 <= trials <= n:
        raise ValueError(f"a budget of {trials} trials cannot be told from {n} results: at least 1, at most {n}")
    ordered = np.sort(-np.asarray(values, float) if lower else np.asarray(values, float))
    place = np.arange(trials, n + 1)  # the k-th smallest is the best of C(k-1, trials-1) of the C(n, trials) subsets
    weights = np.exp(_log_choose(place - 1, trials - 1) - _log_choose(np.array([n]), trials))
    best = float((weights * ordered[trials - 1 :]).sum())
    return -best if lower else best


def _log_choose(n: np.ndarray, k: int) -> np.ndarray:
    from scipy.special import gammaln

    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def expected_best_interval(
    values: Sequence[float], trials: int, lower: bool = False, confidence: float = 0.95, resamples: int = 2_000
) -> Interval:
    """:func:`expected_best` with its percentile bootstrap interval."""
    return bootstrap_interval(
        [values], lambda drawn: expected_best(drawn, trials, lower), confidence, "percentile", resamples=resamples
    )
