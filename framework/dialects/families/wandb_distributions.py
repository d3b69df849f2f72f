"""The values that a parameter of a W&B sweep can take.

Measured with sweeps 0.3.0 (`sweeps/params.py`, `sweeps/grid_search.py`, schema of `sweeps/config`):

- two whole bounds without a `distribution` are whole numbers, both bounds among them; any other two are all between;
- the bounds of `log_uniform` and `inv_log_uniform` are exponents of e, of the latter negated; those of the same names
  with `_values` are the values themselves;
- `q_` rounds what is drawn to a multiple of `q`, 1 where none is stated, so also to one outside of the bounds; a grid
  instead starts at `min` and leaves `max` out;
- a probability of 0 never comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeGuard

from framework.dialects.terms import Searched

_FEW = 32
"""So many values are named one by one."""
_STEEPEST = 700
"""The exponent of e above which no float is left."""


def _exponents(low: float, high: float) -> tuple[float, float]:
    return math.exp(low), math.exp(high)


def _negated(low: float, high: float) -> tuple[float, float]:
    return math.exp(-high), math.exp(-low)


_BOUNDS: dict[str, Callable[[float, float], tuple[float, float]]] = {
    "log_uniform": _exponents,
    "inv_log_uniform": _negated,
}
_OPEN = {"normal": -math.inf, "log_normal": 0.0}
"""Distributions without bounds, and the least value that one can have."""


def range_of(spec: dict[str, Any], method: str) -> Searched | None:
    """What `min`, `max` and `distribution` span; None where that is no range of numbers."""
    kind = str(spec.get("distribution", ""))
    plain = kind.removeprefix("q_")
    quantum = spec.get("q", 1) if kind != plain else None
    if plain in _OPEN:
        return Searched(low=_OPEN[plain], high=math.inf, step=quantum)
    if plain == "beta":
        return lattice(0, 1, quantum) if quantum is not None else Searched(low=0.0, high=1.0)
    low, high = spec.get("min"), spec.get("max")
    if not _is_number(low) or not _is_number(high) or (quantum is not None and not (_is_number(quantum) and quantum)):
        return None
    if quantum is not None and method == "grid":
        last = low + (math.ceil((high - low) / quantum) - 1) * quantum
        return lattice(low, max(low, last), quantum)
    if plain in _BOUNDS:
        if max(abs(low), abs(high)) > _STEEPEST:
            return None
        low, high = _BOUNDS[plain](low, high)
    if quantum is not None:
        return lattice(round(low / quantum) * quantum, round(high / quantum) * quantum, quantum)
    whole = type(low) is type(high) is int and kind in ("", "int_uniform")
    return lattice(low, high, 1) if whole else Searched(low=low, high=high)


def lattice(low: float, high: float, step: float) -> Searched:
    """The values from one to another in equal steps, each by itself where there are few."""
    count = math.floor((high - low) / step + 1e-9) + 1
    if not 0 < count <= _FEW:
        return Searched(low=low, high=high, step=step)
    exact = [Decimal(repr(low)) + each * Decimal(repr(step)) for each in range(count)]
    whole = type(low) is type(step) is int
    return Searched(tuple(int(value) if whole else float(value) for value in exact))


def tried(spec: dict[str, Any]) -> list[int]:
    """Which of `values` can come, by their number."""
    chances = spec.get("probabilities")
    count = len(spec["values"])
    if not isinstance(chances, list) or len(chances) != count or not any(chances):
        return list(range(count))
    return [index for index, chance in enumerate(chances) if chance != 0]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
