"""Which checkpoints the declared measurements are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from framework.manifest.sections.measurements import Measurement
from framework.manifest.sections.root import Manifest
from framework.planning.machines.machine import machine
from framework.planning.steps import Measure, Step, Training


@dataclass(frozen=True, slots=True)
class Measured:
    """One checkpoint to measure: of which variant, what is done, and which further checkpoints that reads."""

    variant: str
    index: int
    step: Step
    work: Measure
    references: Mapping[str, str]

    @property
    def name(self) -> str:
        """The step's name."""
        return f"measure-{self.work.name}"


Ends = Mapping[tuple[str, str, int], Mapping[str | None, str | None]]
"""The key of a variant's last step, by task; for a variant, a model and a seed."""


def measured(manifest: Manifest, nodes: Mapping[str, Step], ends: Ends, variants: Sequence[str]) -> Iterator[Measured]:
    """What is measured of these variants, each checkpoint once for each measurement.

    ``nodes`` are all planned steps by key; the variants' parents and references are not measured for their own sake.
    """
    for name, measurement in manifest.measurements.items():
        for (variant, _, _), own in ends.items():
            if variant not in variants or not measurement.covers(variant):
                continue
            found = (_checkpoint(measurement, nodes, end) for end in own.values())
            for step in {step.key: step for step in found if step is not None}.values():
                training = step.work if isinstance(step.work, Training) else None
                work = Measure(name, measurement, machine(), training)
                index = len(manifest.variants[variant].steps)
                yield Measured(variant, index, step, work, _base(step, work))


def _checkpoint(measurement: Measurement, nodes: Mapping[str, Step], end: str | None) -> Step | None:
    """The step whose checkpoint is measured: the last one, or the last one of the phase."""
    while end is not None:
        step = nodes[end]
        if measurement.phase in (None, step.name):
            return step
        end = step.parent
    return None


def _base(step: Step, work: Measure) -> dict[str, str]:
    """What adapters lie beside before they are merged: the checkpoint that their training started from."""
    adapted = work.training is not None and work.training.adapter is not None
    if adapted and "unmerged" in work.measurement.adapters and step.parent is not None:
        return {"base": step.parent}
    return {}
