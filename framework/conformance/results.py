"""The results that a claim names: `metric(variant)`, `metric(variant, task)`, and of what was measured at several
batch sizes or lengths also which: `latency(M_sdm, batch_size=8, sequence_length=128)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from framework.manifest.measurements import QUANTITIES
from framework.names import did_you_mean

if TYPE_CHECKING:
    from framework.conformance.observing import Observed

CALL = re.compile(r"\b(\w+)\(\s*([^()\s,]+)\s*((?:,\s*[^()\s,]+\s*)*)\)")
_SETTINGS = ("measurement", "adapter", "batch_size", "sequence_length")


class Ambiguous(Exception):
    """Several results have that name; the message says how they are told apart."""


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
            elif name not in _SETTINGS:
                raise ValueError(f"{match[0]!r}: no measurement has {name!r}; {did_you_mean(name, _SETTINGS)}")
            else:
                settings[name] = value
        return cls(metric, variant, task, settings)

    def value(self, steps: Sequence[Observed], model: str, seed: int) -> float:
        """The result of one model and seed: a training's metric by the last step of the variant that recorded it.

        Raises:
            LookupError: there is none.
            Ambiguous: there are several.
        """
        runs = [each for each in steps if each.run is not None and self._is_of(each, model, seed)]
        if self.metric in QUANTITIES:
            return self._measured(runs)
        metrics = [each.run.record.metrics for each in runs if each.run is not None]
        for found in reversed(metrics):
            if self.metric in found:
                return found[self.metric]
        raise LookupError(self.metric)

    def _is_of(self, observed: Observed, model: str, seed: int) -> bool:
        step = observed.step
        return (
            self.variant in step.variants
            and step.model_name == model
            and step.seed == seed
            and self.task in (None, step.task)
        )

    def _measured(self, runs: Sequence[Observed]) -> float:
        found = {
            tuple(place.items()): value
            for each in runs
            for place, value in _values(each, self.metric)
            if all(str(place.get(name)) == stated for name, stated in self.settings.items())
        }
        if not found:
            raise LookupError(self.metric)
        if len(set(found.values())) > 1:
            differing = {
                name: sorted({str(dict(place)[name]) for place in found})
                for name in ("task", *_SETTINGS)
                if len({dict(place)[name] for place in found}) > 1
            }
            listed = "; ".join(f"{name} {', '.join(values)}" for name, values in differing.items())
            raise Ambiguous(f"{self.metric} of {self.variant} was measured for {listed}: say which")
        return next(iter(found.values()))


def _values(observed: Observed, quantity: str) -> Iterator[tuple[dict[str, Any], float]]:
    """The figures of one quantity that a measuring step recorded, and where each was taken."""
    from framework.planning.steps import Measure  # a check of configs does without it

    work = observed.step.work
    if not isinstance(work, Measure) or observed.run is None:
        return
    for facts in observed.run.record.measurements:
        value = facts.get("value")
        if facts.get("quantity") == quantity and isinstance(value, (int, float)):
            place = {name: facts.get(name) for name in _SETTINGS[1:]}
            yield {"task": observed.step.task, "measurement": work.name, **place}, float(value)
