"""Parameters that are searched: a set of values is held to the manifest by what of it can come."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from framework.conformance.meaning import Comparison
from framework.dialects.terms import Searched, Unknown
from framework.manifest.clauses import shown

Compare = Callable[[Any], Comparison]
"""How one value compares with the manifest's."""


def compared(space: Searched, compare: Compare) -> Comparison:
    """Whether a search does what the manifest states: not where none of its values does; certainly only where all of
    them do and nothing else can come."""
    found = [_one(value, compare) for value in (space.values or _candidates(space, compare))]
    if not found or all(each.same is False for each in found):
        return Comparison(False, found[0].expected if found else None)
    expected = found[0].expected
    fits = next((each for each in found if each.same), None)
    if fits is None:
        return next(each for each in found if each.same is None)
    if space.but:
        return Comparison(None, expected, space.but)
    if space.values and all(each.same for each in found):
        return Comparison(True, expected)
    includes = shown(fits.expected)
    return Comparison(
        None, expected, f"searched: {space}, which includes {includes}; which one a run took is not known here"
    )


def _one(value: Any, compare: Compare) -> Comparison:
    return Comparison(None, None, value.reason) if isinstance(value, Unknown) else compare(value)


def _candidates(space: Searched, compare: Compare) -> list[float]:
    """Of the values between two, those that are nearest to what is looked for."""
    if space.low is None:
        return []
    ends = [bound for bound in (space.low, space.high) if math.isfinite(bound)]
    wanted = compare(ends[0] if ends else 0.0).expected
    if not isinstance(wanted, (int, float)) or isinstance(wanted, bool):
        return ends or [0.0]
    near: list[float] = [wanted]
    if space.step is not None:
        origin = space.low if math.isfinite(space.low) else 0
        steps = (wanted - origin) / space.step
        near = [origin + count * space.step for count in (math.floor(steps), round(steps), math.ceil(steps))]
    return [*ends, *(value for value in near if space.low <= value <= space.high)]
