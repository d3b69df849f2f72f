"""What a training takes, as far as the manifest says it: optimizer steps, samples, tokens, FLOPs and parameters.

What the manifest leaves open is an :class:`Amount` without a value, and says what is missing. It may still be known to
be the same for two trainings: as many epochs of one dataset in one batch are as many steps, however large it is.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from framework.manifest.lengths import (
    batch_of,
    examples_in,
    length_of,
    optimizer_steps,
    samples_at,
    steps_per_epoch,
)
from framework.manifest.sections.batches import Batch
from framework.manifest.sections.durations import Duration
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.quantities import About, number, whole
from framework.stages.manifest.courses import Done
from framework.stages.manifest.flops import per_token
from framework.stages.manifest.parameter_counts import counts


class Amount(NamedTuple):
    """A number, or why it is not known; ``decided_by`` is then all that decides it, where that is all stated."""

    value: float | None = None
    unknown: str = ""
    decided_by: Hashable = None


def samples_in(total: int, examples: int, batch_size: int) -> int:
    """Examples in all optimizer steps: the last batch of a pass may be smaller."""
    passes, rest = divmod(total, steps_per_epoch(examples, batch_size))
    return passes * examples + sum(samples_at(step, examples, batch_size) for step in range(1, rest + 1))


def amount_of(budget: str, done: Done, devices: int) -> Amount:
    """What one training takes of a counted budget."""
    phase = done.phase
    assert phase is not None
    if phase.early_stopping is not None:
        return Amount(unknown=f"{done.place} may stop early")
    steps = _steps(done, phase, devices)
    if budget == "optimizer_steps":
        return steps
    samples = _samples(done, phase, steps, devices)
    if budget == "samples":
        return samples
    tokens = _tokens(done, phase, steps, samples)
    return tokens if budget == "tokens" else _flops(done, phase, tokens)


def _facts(phase: Phase) -> Hashable:
    """What decides a training's length and batches, beside the size of its data."""
    stated = (*((name, getattr(phase, name)) for name in ("epochs", "max_steps", "batch_size")),)
    return (*((name, str(value)) for name, value in stated), str(phase.length), str(phase.sequence_length))


def _steps(done: Done, phase: Phase, devices: int) -> Amount:
    length = length_of(phase)
    examples = None if done.dataset is None else examples_in(done.dataset)
    decided = (phase.dataset, _facts(phase))
    rounded = _rounded(done, phase, length)
    if rounded:
        return Amount(unknown=f"{rounded} is rounded", decided_by=decided)
    total = optimizer_steps(phase, examples, devices)
    if total is not None:
        return Amount(total)
    if getattr(phase, length) is None:
        return Amount(unknown=f"{done.place} states no length")
    if isinstance(phase.length, Duration) and phase.length.unit in ("ratio", "environment_steps"):
        return Amount(unknown=f"{done.place}.length is stated in {phase.length.unit.replace('_', ' ')}")
    if number(phase.batch_size) is None and not isinstance(phase.batch_size, Batch):
        return Amount(unknown=f"{done.place} states no `batch_size`")
    if examples is None and phase.dataset:
        return Amount(unknown=f"datasets.{phase.dataset} states no `train_examples`", decided_by=decided)
    return Amount(unknown=f"the length of {done.place} is not known in optimizer steps")


def _rounded(done: Done, phase: Phase, length: str) -> str | None:
    """What a number of steps follows from and the paper only rounds."""
    if isinstance(getattr(phase, length), About) or (phase.length is not None and phase.length.within is not None):
        return f"{done.place}.{length}"
    if length == "max_steps":
        return None
    if isinstance(phase.batch_size, About):
        return f"{done.place}.batch_size"
    if done.dataset is not None and isinstance(done.dataset.train_examples, About):
        return f"datasets.{phase.dataset}.train_examples"
    return None


def _samples(done: Done, phase: Phase, steps: Amount, devices: int) -> Amount:
    batch = batch_of(phase, devices)
    if phase.length is not None and phase.length.unit == "samples" and phase.length.within is None and batch is None:
        return Amount(phase.length.amount)
    if steps.value is None:
        return steps
    if batch is None or isinstance(phase.batch_size, About):
        return Amount(unknown=f"the batch of {done.place} is not known in examples")
    examples = None if done.dataset is None else examples_in(done.dataset)
    total = round(steps.value)
    return Amount(total * batch if examples is None else samples_in(total, examples, batch))


def _tokens(done: Done, phase: Phase, steps: Amount, samples: Amount) -> Amount:
    if phase.length is not None and phase.length.unit == "tokens" and phase.length.within is None:
        return Amount(phase.length.amount)
    if isinstance(phase.batch_size, Batch) and phase.batch_size.unit == "tokens" and steps.value is not None:
        return Amount(steps.value * phase.batch_size.amount)
    if samples.value is None:
        return samples
    if phase.objective != "causal_lm" or whole(phase.sequence_length) is None:
        # Of texts that are padded, and of data that is no text, only the run knows.
        decided = (phase.dataset, _facts(phase))
        return Amount(unknown=f"the examples of {done.place} need not fill its sequences", decided_by=decided)
    return Amount(samples.value * (whole(phase.sequence_length) or 0))


def _flops(done: Done, phase: Phase, tokens: Amount) -> Amount:
    frozen = done.use is not None and done.use.adapter is not None
    if tokens.value is None:
        same = None if tokens.decided_by is None else (tokens.decided_by, frozen, phase.objective)
        return tokens._replace(decided_by=same)
    length = whole(phase.sequence_length)
    forward = per_token(done.model, length or 0, language_model=phase.objective == "causal_lm")
    if forward is None:
        unknown = f"models.{done.key[2]} states not all sizes that decide its FLOPs"
        return Amount(unknown=unknown, decided_by=(tokens.value, length, frozen, phase.objective))
    return Amount(tokens.value * forward.training(frozen=frozen))


def parameters_of(name: str, model: Model) -> Amount:
    """How many parameters a model has; one that only its own checkpoint tells is decided by the model."""
    if not name:
        return Amount(unknown="the manifest states no model")
    stated, admitted = model.parameters, counts(model)
    if stated is not None and not isinstance(stated, About) and whole(stated) is not None:
        return Amount(whole(stated))
    if len(admitted) == 1:
        return Amount(admitted[0][0])
    return Amount(unknown=f"models.{name} does not state its `parameters`", decided_by=name)


def trainable_of(done: Done) -> Amount:
    """How many parameters a training changes: only the run counts them, but what decides them is stated."""
    assert done.phase is not None
    assert done.use is not None
    mask, adapter, labels = done.use.mask, done.use.adapter, _labels(done.dataset)
    decided = (done.key[2], repr(mask), repr(adapter), done.phase.objective, labels, repr(done.phase.settings))
    return Amount(unknown=f"how many parameters {done.place} trains, only the run tells", decided_by=decided)


def _labels(dataset: Dataset | None) -> int | None:
    return None if dataset is None else dataset.labels
