"""The results that claims are about, each named as `metric(variant)`, `metric(variant, task)`, and of what was
measured at several batch sizes or lengths also which:
`latency(M_sdm, batch_size=8, sequence_length=128)`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from framework.manifest.sections.measurements import QUANTITIES
from framework.names import did_you_mean

CALL = re.compile(r"\b(\w+)\(\s*([^()\s,]+)\s*((?:,\s*[^()\s,]+\s*)*)\)")
SETTINGS = ("measurement", "adapter", "batch_size", "sequence_length")
"""By what the figures of one measurement are told apart."""


class Call(NamedTuple):
    """One result that a claim names; ``settings`` as they are written."""

    metric: str
    variant: str
    task: str | None
    settings: dict[str, str]

    @classmethod
    def of(cls, match: re.Match[str]) -> Call:
        """The call that :data:`CALL` found.

        Raises:
            ValueError: an argument that no result has; why, and what would be right.
        """
        metric, variant, rest = match.groups()
        task, settings = None, {}
        for argument in filter(None, (part.strip() for part in rest.split(","))):
            name, stated, value = argument.partition("=")
            if not stated:
                if task is not None:
                    raise ValueError(f"{match[0]!r} names two tasks, {task!r} and {argument!r}")
                task = argument
            elif metric not in QUANTITIES:
                raise ValueError(f"{metric!r} is not measured, and has no {name!r}: {', '.join(QUANTITIES)} are")
            elif name not in SETTINGS:
                raise ValueError(f"{match[0]!r}: no measurement has {name!r}; {did_you_mean(name, SETTINGS)}")
            else:
                settings[name] = value
        return cls(metric, variant, task, settings)
