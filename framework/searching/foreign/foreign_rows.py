"""One trial as another tool wrote it down, and what its words mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.searching.trials import State

STATES: Mapping[str, State] = {
    **dict.fromkeys(
        ("finished", "complete", "completed", "done", "success", "succeeded", "terminated", "ok"), "completed"
    ),
    **dict.fromkeys(
        ("failed", "fail", "crashed", "error", "errored", "killed", "canceled", "cancelled", "oom"), "failed"
    ),
    **dict.fromkeys(("pruned", "stopped", "early_stopped", "preempted"), "pruned"),
    **dict.fromkeys(("running", "pending", "queued", "paused", "waiting", "scheduled"), "running"),
}
"""How tools say that a trial ended, in lower case. What crashed or was killed failed, whatever its summary holds."""


@dataclass(slots=True)
class Row:
    """A trial in its tool's own words; ``end`` is its state's word, None where nothing says how it ended."""

    values: dict[str, Any]
    """Hyperparameters and metrics by their names."""
    end: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    """Its reports on the way, the last one last."""


def number_in(value: Any) -> Any:
    """A cell as what it says: a number, true or false, nothing, or a text."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.lower() in ("", "none", "null"):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def as_value(value: Any) -> float | None:
    """A metric's cell as a number; NaN where it says that there is none."""
    found = number_in(value)
    if isinstance(found, bool) or found is None:
        return None
    return float(found) if isinstance(found, int | float) else math.nan
