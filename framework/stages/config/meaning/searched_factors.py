"""Factors of a batch that are searched: whether some of their values make the declared one."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from framework.stages.config.meaning.clause_targets import Translation

if TYPE_CHECKING:
    from framework.dialects.terms import Searched


def space_of(meant: Translation | None) -> Searched | None:
    """The values of a factor that is searched."""
    if meant is None:
        return None
    from framework.dialects.terms import Searched

    return meant.value if isinstance(meant.value, Searched) else None


def can_make(spaces: list[Searched], rest: int, batch: int, is_whole: bool) -> bool:
    """Whether some values of factors that are searched make the batch with the others, or divide it."""
    known = [[value for value in space.values if type(value) is int and value > 0] for space in spaces]
    if any(len(each) < max(1, len(space.values)) for each, space in zip(known, spaces, strict=True)):
        return True  # a range, or a value that only its program knows
    found = (math.prod(each) * rest for each in product(*known))
    return any(each == batch if is_whole else batch % each == 0 for each in found)
