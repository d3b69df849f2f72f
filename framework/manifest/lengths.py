"""How many optimizer steps a training has, as far as the manifest says it: with `max_steps`, or with epochs, samples or
tokens where batch, data and sequence length are declared."""

from __future__ import annotations

import math
from typing import Any

from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.overrides import with_settings
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.models import Dataset
from framework.manifest.sections.phases import LENGTHS, Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import Duration, Scale
from framework.manifest.sections.values.quantities import About, number, whole
from framework.manifest.sections.variants import uses_of
from framework.names import find_path


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Optimizer steps of one pass: the last batch of a pass may be smaller, and counts."""
    return math.ceil(examples / batch_size)


def batch_of(phase: Phase, devices: int | None = None) -> int | None:
    """Examples per optimizer step; None where that is not known, or no whole number."""
    batch = phase.batch_size
    if isinstance(batch, Batch):
        examples = batch.examples(whole(phase.sequence_length), devices)
        return int(examples) if examples is not None and examples == int(examples) else None
    return whole(batch)


def scale_of(phase: Phase, examples: int | None = None, devices: int | None = None) -> Scale:
    """What one optimizer step and one pass over ``examples`` are, as far as the phase says it."""
    batch, length = batch_of(phase, devices), whole(phase.sequence_length)
    if batch is None and isinstance(phase.batch_size, Batch) and phase.batch_size.unit == "tokens":
        return Scale(tokens_per_step=phase.batch_size.amount)
    if batch is None:
        return Scale()
    passes = None if examples is None else steps_per_epoch(examples, batch)
    return Scale(passes, batch, batch * length if length else None)


def optimizer_steps(phase: Phase, examples: int | None, devices: int | None = None) -> int | None:
    """Optimizer steps of a whole training of ``examples`` training examples; None where they are not known.

    A part of an epoch (`epochs: 0.5`) rounds up to whole steps.
    """
    if phase.max_steps is not None:
        return whole(phase.max_steps)
    epochs = number(phase.epochs)
    stated = phase.length if epochs is None else Duration.model_construct(epochs=epochs)
    exact = None if stated is None else stated.exact_steps(None, scale_of(phase, examples, devices))
    return None if exact is None else max(1, math.ceil(exact - 1e-9))


def length_of(phase: Phase) -> str:
    """The field that states how long is trained; `epochs` where none does."""
    return next((name for name in LENGTHS if getattr(phase, name) is not None), "epochs")


def rounds_to(stated: Any, demanded: int, done: int) -> bool:
    """Whether a number of steps is what a rounded length says: as far from the demanded one as the paper rounds."""
    if isinstance(stated, About) and not math.isnan(stated.value) and stated.value:
        return stated.low / stated.value <= done / demanded <= stated.high / stated.value
    within = stated.within if isinstance(stated, Duration) else None
    return within is not None and abs(done - demanded) <= within * demanded


def samples_at(step: int, examples: int, batch_size: int) -> int:
    """Sequences in optimizer step ``step`` (from 1): the batch, or what is left at the end of a pass."""
    place = (step - 1) % steps_per_epoch(examples, batch_size)
    return min(batch_size, examples - place * batch_size)


def examples_of(manifest: Manifest, phase: Phase) -> int | None:
    """Training examples of one pass, where the manifest declares them."""
    dataset = manifest.datasets.get(phase.dataset or "")
    return None if dataset is None else examples_in(dataset)


def examples_in(dataset: Dataset) -> int | None:
    """Training examples of one pass over a dataset, where the manifest declares them."""
    stated = whole(dataset.train_examples)
    return None if stated is None else min(stated, dataset.limit or stated)


def steps_in_epochs(epochs: float, examples: int, batch: int) -> tuple[int, int]:
    """The least and the most optimizer steps that epochs can be: a last, smaller batch is dropped or not."""
    least, most = epochs * (examples // batch), epochs * math.ceil(examples / batch)
    return math.floor(least), max(1, math.ceil(most - 1e-9))


def total_steps(manifest: Manifest, phase: Phase) -> int | None:
    """Optimizer steps of a phase without tasks (or :meth:`Phase.for_task` of one), None where they are not known."""
    return optimizer_steps(phase, examples_of(manifest, phase), manifest.hardware.count)


def by_task(phase: Phase, task: str | None = None) -> dict[str | None, Phase]:
    """The phase as it runs: once for each task (or for the one), or once."""
    if not phase.tasks:
        return {None: phase}
    return {name: phase.for_task(name) for name in phase.tasks if task in (None, name)}


def described(experiment: Experiment, binding: Binding) -> tuple[str, str | None] | None:
    """The phase, and the task if it is one, that a binding's files are about."""
    path = find_path(experiment.raw, binding.describes) if binding.describes else None
    if not path or path[0] != "phases" or len(path) < 2:
        return None
    return str(path[1]), str(path[3]) if len(path) > 3 and path[2] == "tasks" else None


def dataset_of(experiment: Experiment, binding: Binding) -> str | None:
    """The dataset that the training is on which a binding's files are about."""
    found = described(experiment, binding)
    phase = experiment.stated.phases.get(found[0]) if found else None
    if found is None or phase is None:
        return None
    return phase.for_task(found[1]).dataset if found[1] in phase.tasks else phase.dataset


def phase_under(experiment: Experiment, name: str, variant: str | None) -> Phase:
    """A phase with a variant's settings put in, if the variant, or one that it starts from, runs it."""
    phase = experiment.stated.phases[name]
    for own, use, place in uses_of(experiment.stated.variants, variant) if variant else ():
        if own == name and use.set:
            return with_settings(phase, use.set, experiment, (*place, "set"))
    return phase


def phases_of(experiment: Experiment, binding: Binding) -> dict[str | None, Phase]:
    """The phase that a binding's files describe, by task, under the binding's variant; empty without one."""
    found = described(experiment, binding)
    if found is None:
        return {}
    return by_task(phase_under(experiment, found[0], binding.variant), found[1])


def steps_of(experiment: Experiment, phase: str, task: str | None, variant: str | None) -> list[int] | None:
    """The distinct numbers of optimizer steps of a phase's tasks; None where one of them is not known."""
    found = by_task(phase_under(experiment, phase, variant), task)
    totals = [total_steps(experiment.stated, own) for own in found.values()]
    known = [total for total in totals if total is not None]
    return sorted(set(known)) if known and len(known) == len(totals) else None


def totals_of(experiment: Experiment, binding: Binding, clause: Clause) -> list[int] | None:
    """The numbers of optimizer steps of the trainings that a length of training is about; None for other clauses."""
    if not isinstance(clause.value, Duration) or (named := _phase_named(clause)) is None:
        return None
    phase, task = described(experiment, binding) or (None, None)
    return steps_of(experiment, named, task if phase == named else None, binding.variant)


def scale_under(experiment: Experiment, binding: Binding, clause: Clause) -> Scale | None:
    """What one optimizer step and one epoch are, of the training that a length of training is about; None for other
    clauses, and where its tasks differ."""
    if not isinstance(clause.value, Duration) or (named := _phase_named(clause)) is None:
        return None
    phase, task = described(experiment, binding) or (None, None)
    found = by_task(phase_under(experiment, named, binding.variant), task if phase == named else None)
    manifest = experiment.stated
    scales = {scale_of(own, examples_of(manifest, own), manifest.hardware.count) for own in found.values()}
    return scales.pop() if len(scales) == 1 else None


def _phase_named(clause: Clause) -> str | None:
    """The phase that a clause is about."""
    if clause.path[0] == "phases":
        return str(clause.path[1])
    return str(clause.path[4]) if clause.path[0] == "variants" and len(clause.path) > 4 else None
