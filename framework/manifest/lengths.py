"""How many optimizer steps a training has, as far as the manifest says it: with `max_steps`, or with `epochs` over a
dataset whose `train_examples` are declared."""

from __future__ import annotations

import math

from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.overrides import with_settings
from framework.manifest.sections.base import Duration
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.variants import uses_of
from framework.names import find_path


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Optimizer steps of one pass: the last batch of a pass may be smaller, and counts."""
    return math.ceil(examples / batch_size)


def optimizer_steps(phase: Phase, examples: int) -> int:
    """Optimizer steps of a whole training of ``examples`` training examples.

    A part of an epoch (`epochs: 0.5`) rounds up to whole steps.
    """
    if phase.max_steps is not None:
        return phase.max_steps
    assert phase.epochs is not None
    exact = phase.epochs * steps_per_epoch(examples, phase.batch_size)
    return max(1, math.ceil(exact - 1e-9))


def samples_at(step: int, examples: int, batch_size: int) -> int:
    """Sequences in optimizer step ``step`` (from 1): the batch, or what is left at the end of a pass."""
    place = (step - 1) % steps_per_epoch(examples, batch_size)
    return min(batch_size, examples - place * batch_size)


def examples_of(manifest: Manifest, phase: Phase) -> int | None:
    """Training examples of one pass, where the manifest declares them."""
    dataset = manifest.datasets.get(phase.dataset or "")
    if dataset is None or dataset.train_examples is None:
        return None
    return min(dataset.train_examples, dataset.limit or dataset.train_examples)


def total_steps(manifest: Manifest, phase: Phase) -> int | None:
    """Optimizer steps of a phase without tasks (or :meth:`Phase.for_task` of one), None where they are not known."""
    if phase.max_steps is not None:
        return phase.max_steps
    examples = examples_of(manifest, phase)
    return None if examples is None or phase.epochs is None else optimizer_steps(phase, examples)


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
    if not isinstance(clause.value, Duration):
        return None
    phase, task = described(experiment, binding) or (None, None)
    named = str(clause.path[1] if clause.path[0] == "phases" else clause.path[4])
    return steps_of(experiment, named, task if phase == named else None, binding.variant)
