"""p values of several tests of one family, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Correction = Literal["none", "holm", "benjamini_hochberg"]


def corrected(p_values: Sequence[float], correction: Correction) -> list[float]:
    """Adjusted p values, in the order given."""
    if correction == "none":
        return list(p_values)
    return holm(p_values) if correction == "holm" else benjamini_hochberg(p_values)


def holm(p_values: Sequence[float]) -> list[float]:
    """Step-down: the chance of any false rejection in the family stays below the level (Holm 1979, *Scand. J. Stat.*
    6:65)."""
    total, running = len(p_values), 0.0
    adjusted = [0.0] * total
    for rank, place in enumerate(sorted(range(total), key=p_values.__getitem__)):
        running = max(running, min(1.0, (total - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Step-up: the expected share of false rejections stays below the level, of tests that are independent or
    positively dependent (Benjamini & Hochberg 1995, *J. R. Stat. Soc. B* 57:289)."""
    total, running = len(p_values), 1.0
    adjusted = [0.0] * total
    for rank, place in enumerate(sorted(range(total), key=p_values.__getitem__, reverse=True)):
        running = min(running, p_values[place] * (total / (total - rank)))
        adjusted[place] = running
    return adjusted
