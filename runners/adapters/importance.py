"""How important modules are, and which group of hybrid adapters that puts them in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from torch import Tensor

from framework.errors import FrameworkError
from framework.manifest.sections.methods import SGH

Group = Literal["high", "low", "ia3", "frozen"]
GROUPS: tuple[Group, ...] = ("high", "low", "ia3", "frozen")
"""From the most to the least important; all but the last have a threshold."""


def importance_of(specification: SGH, weights: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> dict[str, float]:
    """Each module's importance: the mean of |W| over all its weights, zeroed ones included, or the share of them that
    its mask keeps.

    It is rounded to 9 significant digits, so that neither the device nor the order of additions decides between equals.

    Args:
        weights, masks: By module name.

    Raises:
        FrameworkError: importance comes from masks, and a module has none.
    """
    if specification.importance == "magnitude":
        exact = {name: float(weight.detach().double().abs().mean()) for name, weight in weights.items()}
    else:
        if missing := [name for name in weights if name not in masks]:
            raise FrameworkError(
                f"adapter.sgh.importance: mask, but no step before left a mask for {missing[0]}.weight "
                f"({len(missing)} of {len(weights)} targets have none); start from a variant with masks over the "
                "targets, or say `importance: magnitude`"
            )
        exact = {name: float(masks[name].double().mean()) for name in weights}
    return {name: float(f"{value:.9g}") for name, value in exact.items()}


def groups_of(specification: SGH, importance: Mapping[str, float]) -> dict[str, Group]:
    """Each module's group, from the most important to the least.

    Equally important modules are ordered by name, numbers as numbers. With percentiles the ``(1 - p) * n`` first of
    that order reach a threshold p, rounded half up; with absolute thresholds those whose importance is not below it.
    """
    ordered = sorted(importance, key=lambda name: (-importance[name], natural(name)))
    groups: dict[str, Group] = {}
    for place, name in enumerate(ordered):
        reached = [
            place < reaching(threshold, len(ordered))
            if specification.threshold_kind == "percentile"
            else importance[name] >= threshold
            for threshold in specification.thresholds
        ]
        groups[name] = GROUPS[reached.index(True) if True in reached else len(reached)]
    return groups


def reaching(percentile: float, modules: int) -> int:
    """How many of so many modules reach a percentile; the percentile is taken as the decimal number it is written."""
    return math.floor((1 - Fraction(repr(percentile))) * modules + Fraction(1, 2))


def natural(name: str) -> list[tuple[bool, int, str]]:
    """A sort key for dotted names: `layers.2` before `layers.10`."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in name.split(".")]
