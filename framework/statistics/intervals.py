"""Confidence intervals of a statistic over seeds.

With few seeds Student's t covers what it says where a percentile bootstrap does not: of nominal 95% intervals of the
mean of three normal values, t covers 95% and the percentile bootstrap 75%; of five, 94% and 82%.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal

import numpy as np

RESAMPLES = 9_999
SEED = 0
"""Of the resampling: equal values have equal intervals on every machine."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval, whose ends may be infinite; ``method`` is how it was found."""

    estimate: float
    low: float
    high: float
    confidence: float
    method: str

    def spelled(self, digits: int = 4) -> str:
        """`0.31 [0.28, 0.34]`."""
        return f"{self.estimate:.{digits}g} [{self.low:.{digits}g}, {self.high:.{digits}g}]"


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's two-sided interval of the mean of at least two finite values (Student 1908, *Biometrika* 6:1).

    Raises:
        ValueError: fewer than two values.
    """

    if len(values) < 2:
        raise ValueError("an interval needs at least 2 values")
    mean, half = fmean(values), t_half((1 + confidence) / 2, values)
    return Interval(mean, mean - half, mean + half, confidence, f"t, {len(values) - 1} degrees of freedom")


def t_half(quantile: float, values: Sequence[float]) -> float:
    """How far from the mean of ``values`` the bound lies whose t distribution has this quantile."""
    from scipy.stats import t

    return float(t.ppf(quantile, len(values) - 1)) * stdev(values) / math.sqrt(len(values))


def bootstrap_interval(
    samples: Sequence[Sequence[float]],
    statistic: Callable[..., float],
    confidence: float = 0.95,
    method: Literal["percentile", "basic", "BCa"] = "BCa",
    paired: bool = False,
    resamples: int = RESAMPLES,
) -> Interval:
    """The bootstrap interval of ``statistic(*samples)`` (Efron & Tibshirani 1993, chapters 13 and 14).

    Args:
        samples: one or several samples; each is resampled by itself, or all by the same places where ``paired``.
        statistic: of as many samples as are given, each a one-dimensional array.

    Values that are all equal have an interval of no width.

    Raises:
        ValueError: a sample of fewer than two values.
    """
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    if any(len(array) < 2 for array in arrays):
        raise ValueError("an interval needs at least 2 values")
    estimate = float(statistic(*arrays))
    if all(np.ptp(array) == 0 for array in arrays):
        return Interval(estimate, estimate, estimate, confidence, "all values are equal")
    if method == "percentile":
        tail = (1 - confidence) / 2
        low, high = np.quantile(resampled(arrays, statistic, paired, resamples), [tail, 1 - tail])
    else:
        low, high = _by_scipy(arrays, statistic, confidence, method, paired, resamples)
        if not math.isfinite(low + high) and method == "BCa":  # no acceleration where the jackknife is constant
            return bootstrap_interval(samples, statistic, confidence, "percentile", paired, resamples)
    return Interval(estimate, float(low), float(high), confidence, f"{method} bootstrap, {resamples} resamples")


def resampled(
    samples: Sequence[Sequence[float] | np.ndarray],
    statistic: Callable[..., float],
    paired: bool = False,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """``statistic`` of samples drawn with replacement, float64[resamples], the same on every machine (Efron &
    Tibshirani 1993, chapters 13 and 16).

    Args:
        samples: each is drawn by itself, or all by the same places where ``paired``.
    """
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    generator = np.random.default_rng(SEED)
    if paired:
        together = generator.integers(0, len(arrays[0]), (resamples, len(arrays[0])))
        places = [together] * len(arrays)
    else:
        places = [generator.integers(0, len(array), (resamples, len(array))) for array in arrays]
    drawn = (
        statistic(*(array[chosen[row]] for array, chosen in zip(arrays, places, strict=True)))
        for row in range(resamples)
    )
    return np.fromiter(drawn, np.float64, resamples)


def _by_scipy(
    arrays: list[np.ndarray],
    statistic: Callable[..., float],
    confidence: float,
    method: Literal["basic", "BCa"],
    paired: bool,
    resamples: int,
) -> tuple[float, float]:
    from scipy.stats import bootstrap

    def once(*drawn: Any) -> float:
        return float(statistic(*drawn))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what cannot be calculated; said by whoever asks
        found = bootstrap(
            arrays,
            once,
            vectorized=False,
            paired=paired,
            n_resamples=resamples,
            confidence_level=confidence,
            method=method,
            rng=np.random.default_rng(SEED),
        ).confidence_interval
    return float(found.low), float(found.high)


def jackknife(values: Sequence[Sequence[float]], statistic: Callable[..., float]) -> list[float]:
    """The pseudo-values of ``statistic(*values)`` over places that belong together: n·θ - (n-1)·θ without place i.

    Their mean is the jackknife estimate, and Student's t interval of them is the jackknife's (Tukey 1958; Efron &
    Tibshirani 1993, chapter 11). Of a mean, or a difference of means, they are the values themselves; the interval is
    exact for these, approximate for smooth functions of means such as ratios, and wrong for medians and maxima.

    Raises:
        ValueError: fewer than two places.
    """
    n = len(values[0])
    if n < 2:
        raise ValueError("a jackknife needs at least 2 places")
    whole = statistic(*values)
    return [n * whole - (n - 1) * statistic(*([*v[:i], *v[i + 1 :]] for v in values)) for i in range(n)]
