"""A search space as the set of values that can really come."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from framework.manifest.sections.searching.searched_values import Dimension

Point = dict[str, Any]
"""By searched key its value; keys whose condition does not hold are left out."""
_CLOSE = 1e-9


def listed(values: Dimension) -> list[Any] | None:
    """All values in their order; None where there is no end of them."""
    if values.choices is not None:
        return list(values.choices)
    if values.step is None and not values.whole:
        return None
    low, high = values.bounds
    step = values.step or 1
    count = round((high - low) / step)
    found = [low + place * step for place in range(count)] + [high]
    return [int(each) for each in found] if values.whole else [float(each) for each in found]


def can_come(values: Dimension, value: Any) -> bool:
    """Whether a value is in the set; numbers are compared as such (0.1 + 0.2 is 0.3)."""
    known = listed(values)
    if known is not None:
        return any(same_value(each, value) for each in known)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    low, high = values.bounds
    slack = _CLOSE * max(abs(low), abs(high))
    return low - slack <= value <= high + slack


def same_value(one: Any, other: Any) -> bool:
    """Whether two values are one: numbers as such, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=0.0)
    return bool(one == other)


def at_edge(values: Dimension, value: Any) -> str | None:
    """`lower` or `upper` where a value lies at an end of its range: within a hundredth of it, on its scale. Choices of
    numbers have ends where there are three or more; others have none."""
    if values.choices is not None:
        numbers = [each for each in values.choices if isinstance(each, int | float) and not isinstance(each, bool)]
        if len(numbers) != len(values.choices) or len(numbers) < 3 or not isinstance(value, int | float):
            return None
        if same_value(value, min(numbers)):
            return "lower"
        return "upper" if same_value(value, max(numbers)) else None
    low, high = values.bounds
    here = float(value)
    if (known := listed(values)) is not None:
        return "lower" if same_value(here, known[0]) else "upper" if same_value(here, known[-1]) else None
    if values.scale == "log":
        low, high, here = math.log(low), math.log(high), math.log(here)
    share = (here - low) / (high - low)
    return "lower" if share < 0.01 else "upper" if share > 0.99 else None


def active(values: Dimension, point: Mapping[str, Any]) -> bool:
    """Whether a key is searched at a point: its condition holds there."""
    return all(
        key in point and any(same_value(point[key], each) for each in wanted) for key, wanted in values.when.items()
    )


def outside(dimensions: Mapping[str, Dimension], point: Mapping[str, Any]) -> dict[str, str]:
    """Why a point is not in a space, by key; empty for one that is."""
    found = {key: "nothing searches it" for key in point if key not in dimensions}
    for key, values in dimensions.items():
        here = active(values, point)
        if here and key not in point:
            found[key] = "it has no value"
        elif not here and key in point:
            found[key] = "its condition does not hold"
        elif here and not can_come(values, point[key]):
            found[key] = f"{point[key]!r} cannot come"
    return found


def grid_points(dimensions: Mapping[str, Dimension]) -> Iterator[Point]:
    """Every point of a space that has an end, each once, the last key the fastest."""
    keys = list(dimensions)
    seen: set[str] = set()
    for chosen in product(*(listed(dimensions[key]) or [] for key in keys)):
        point: Point = {}
        for key, value in zip(keys, chosen, strict=True):
            if active(dimensions[key], point):
                point[key] = value
        if (name := named(point)) not in seen:
            seen.add(name)
            yield point


def size_of(dimensions: Mapping[str, Dimension]) -> int | None:
    """How many points a space has; None where there is no end of them."""
    if any(listed(values) is None for values in dimensions.values()):
        return None
    if not any(values.when for values in dimensions.values()):
        return math.prod(len(listed(values) or ()) for values in dimensions.values())
    return sum(1 for _ in grid_points(dimensions))


def named(point: Mapping[str, Any]) -> str:
    """A text that two points share when they are one: numbers to 12 digits, in the order of the keys."""
    return repr(sorted((key, _canonical(value)) for key, value in point.items()))


def _canonical(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return repr(value)
    return f"{float(value):.12g}"
