"""Results of several tasks together (Agarwal et al. 2021, *Deep RL at the Edge of the Statistical Precipice*).

Scores are an array [seeds, tasks]; intervals are stratified: the seeds of each task are resampled by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from framework.statistics.intervals import Interval, bootstrap_interval


def iqm(scores: np.ndarray) -> float:
    """The interquartile mean of all scores [seeds, tasks]: the mean of their middle half (section 4.3)."""
    from scipy.stats import trim_mean

    return float(trim_mean(np.asarray(scores, np.float64).ravel(), 0.25))


def performance_profile(scores: np.ndarray, thresholds: Sequence[float]) -> list[float]:
    """The share of scores [seeds, tasks] above each threshold (section 4.2, the run-score distribution)."""
    flat = np.asarray(scores, np.float64).ravel()
    return [_share_above(flat, threshold) for threshold in thresholds]


def stratified_interval(
    scores: np.ndarray,
    statistic: Callable[[np.ndarray], float] = iqm,
    confidence: float = 0.95,
    resamples: int = 2_000,
) -> Interval:
    """The percentile interval of a statistic of scores [seeds, tasks] by stratified bootstrap (section 4.1).

    Raises:
        ValueError: fewer than two seeds.
    """
    array = np.asarray(scores, np.float64)
    if array.ndim != 2 or len(array) < 2:
        raise ValueError("scores of at least 2 seeds, as [seeds, tasks]")

    def of_tasks(*tasks: np.ndarray) -> float:
        return statistic(np.column_stack(tasks))

    found = bootstrap_interval([*array.T], of_tasks, confidence, "percentile", resamples=resamples)
    return replace(found, method=f"stratified {found.method}" if found.method.startswith("per") else found.method)


def profile_bands(
    scores: np.ndarray, thresholds: Sequence[float], confidence: float = 0.95, resamples: int = 2_000
) -> list[Interval]:
    """:func:`performance_profile` with the pointwise interval of each threshold."""
    return [
        stratified_interval(scores, partial(_share_above, threshold=threshold), confidence, resamples)
        for threshold in thresholds
    ]


def _share_above(scores: np.ndarray, threshold: float) -> float:
    return float((scores > threshold).mean())
