"""Numbers that may lie on an accelerator: taken without waiting for it, and read later, all at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def taken(value: Any) -> Any:
    """A number as it is now: itself, or a copy that stays on its device; None for None.

    What lies on an accelerator is not read, since whoever reads it waits for all that was started before.

    Raises:
        TypeError, ValueError: it is no single number.
    """
    if value is None or type(value) is float or type(value) is int:
        return value
    if getattr(value, "is_cpu", True):
        return float(value.item() if hasattr(value, "item") else value)  # a tensor's own: it warns of no gradient
    return value.detach().clone().reshape(())


def read(values: Sequence[Any]) -> list[Any]:
    """What :func:`taken` gave, as numbers: those of one device and one type in one transfer."""
    found = list(values)
    waiting: dict[tuple[Any, Any], list[int]] = {}
    for place, value in enumerate(found):
        if hasattr(value, "device"):
            waiting.setdefault((value.device, value.dtype), []).append(place)
    torch = sys.modules.get("torch")
    for places in waiting.values():
        own = [found[place] for place in places]
        numbers = [each.item() for each in own] if torch is None or len(own) == 1 else torch.stack(own).tolist()
        for place, number in zip(places, numbers, strict=True):
            found[place] = number
    return found
