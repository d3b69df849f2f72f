"""How many seeds a comparison needs."""

from __future__ import annotations

import math

_MOST = 100_000
"""Seeds beyond which nobody asks."""


def seeds_for_paired(effect: float, power: float = 0.8, alpha: float = 0.05, sides: int = 2) -> int:
    """The least number of pairs whose t test finds a mean difference of ``effect`` standard deviations of the
    differences with this power, by the noncentral t distribution (Cohen 1988, section 2.3.5).

    Raises:
        ValueError: an effect of 0, or one that more than 100,000 seeds would not show.
    """
    size = abs(effect)
    if not size or not math.isfinite(size):
        raise ValueError("no number of seeds shows a difference of nothing")
    n = 2
    while paired_power(n, size, alpha, sides) < power:
        n += max(1, n // 100)
        if n > _MOST:
            raise ValueError(f"more than {_MOST} seeds")
    while n > 2 and paired_power(n - 1, size, alpha, sides) >= power:
        n -= 1
    return n


def paired_power(seeds: int, effect: float, alpha: float = 0.05, sides: int = 2) -> float:
    """The power of a paired t test over ``seeds`` pairs."""
    from scipy.stats import nct, t

    freedom, shift = seeds - 1, abs(effect) * math.sqrt(seeds)
    critical = float(t.ppf(1 - alpha / sides, freedom))
    below = float(nct.cdf(-critical, freedom, shift)) if sides == 2 else 0.0
    found = float(nct.sf(critical, freedom, shift)) + below
    return found if math.isfinite(found) else 1.0  # scipy's nct has no digits left where nothing is missing


def seeds_for_superiority(probability: float, power: float = 0.95, alpha: float = 0.05) -> int:
    """The number of runs of each method so that P(A > B) = ``probability`` is told from a half by a one-sided rank
    test (Noether 1987, *JASA* 82:645; Bouthillier et al. 2021, appendix C.3).

    Raises:
        ValueError: a probability that is not above 0.5, up to 1.
    """
    from scipy.stats import norm

    if not 0.5 < probability <= 1:
        raise ValueError("P(A > B) must be above 0.5")
    z = float(norm.ppf(1 - alpha)) + float(norm.ppf(power))
    return math.ceil(z * z / (6 * (probability - 0.5) ** 2))
