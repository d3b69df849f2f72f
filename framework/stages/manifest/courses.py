"""What a variant does from the model's initial weights to its end, one course for each task that its phases part in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from framework.manifest.experiment import Experiment
from framework.manifest.formulas.language import resolved
from framework.manifest.overrides import phase_for
from framework.manifest.own_models import model_for
from framework.manifest.sections.base import dumped
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.variants import PhaseUse, phase_of

Key = tuple[str, int, str, str | None]
"""The variant that states a step, its place there, the model and the task: equal keys are one and the same run."""


@dataclass(frozen=True)
class Done:
    """One step of a course; ``phase`` has all that is stated in its place put in, and is None for a transform."""

    key: Key
    name: str
    model: Model
    data: dict[str, Any]
    """What is stated of it, as plain data."""
    phase: Phase | None = None
    use: PhaseUse | None = None
    dataset: Dataset | None = None

    @property
    def place(self) -> str:
        """Where the manifest states it, in a message."""
        variant, index, _, task = self.key
        if self.phase is None:
            return f"variants.{variant}.steps[{index}].{self.name}"
        return f"phases.{self.name}" + (f".tasks.{task}" if task else "")


Course = tuple[Done, ...]


class Courses:
    """The courses of an experiment's variants, each worked out once."""

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.models = experiment.manifest.models or {"": Model.model_construct()}
        self._known: dict[tuple[str, str], dict[str | None, Course]] = {}

    def of(self, variant: str, model: str) -> dict[str | None, Course]:
        """A variant's courses by task; one for None where no phase of it has tasks."""
        if (variant, model) not in self._known:
            spec = self.experiment.manifest.variants[variant]
            found: dict[str | None, Course] = {None: ()} if spec.from_ is None else self.of(spec.from_, model)
            for index, step in enumerate(spec.steps):
                found = {
                    done.key[3]: (*before, done)
                    for task, before in found.items()
                    for done in self._done(variant, index, step, model, task)
                }
            self._known[variant, model] = found
        return self._known[variant, model]

    def pairs(self, one: str, other: str, model: str) -> Iterator[tuple[str | None, Course, Course]]:
        """The courses of two variants that belong together: those of one task, or of none."""
        for task, first in self.of(one, model).items():
            for own, second in self.of(other, model).items():
                if None in (task, own) or task == own:
                    yield task or own, first, second

    def _done(self, variant: str, index: int, step: Any, model: str, task: str | None) -> Iterator[Done]:
        spec = model_for(self.experiment, variant, model)
        found = phase_of(step)
        if found is None:
            name, method = next(iter(dumped(step).items()))
            yield Done((variant, index, model, task), name, spec, {name: method})
            return
        name, use = found
        stated, use = phase_for(self.experiment, name, use, variant, index, model)
        for own in [each for each in stated.tasks if task in (None, each)] if stated.tasks else [task]:
            phase = self._evaluated(stated.for_task(str(own)) if stated.tasks else stated, spec)
            data = {**dumped(phase), "mask": dumped(use.mask), "adapter": dumped(use.adapter)}
            dataset = self.experiment.manifest.datasets.get(phase.dataset or "")
            yield Done((variant, index, model, own), name, spec, data, phase, use, dataset)

    def _evaluated(self, phase: Phase, model: Model) -> Phase:
        """With its derived values put in, as far as they have any."""
        try:
            return resolved(self.experiment.manifest, phase, model)
        except ValueError:
            return phase
