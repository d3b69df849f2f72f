"""What the built-in training can execute: a phase in which nothing is open, and why another one is none.

The statement is open, the runners are closed: whatever a paper states can be stated, and what the built-in training
does not have it refuses before anything starts, by the clause's name, with the way out.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from framework.manifest.formulas.language import resolved
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.sections.base import Count, NonNegative, Positive, Share, dumped
from framework.manifest.sections.models import Model
from framework.manifest.sections.optimizers import Optimizer, ParameterGroup
from framework.manifest.sections.phases import LENGTHS, EarlyStopping, Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import Schedule, Segment, Warmup
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import Duration
from framework.manifest.sections.values.quantities import NONE, About, whole
from framework.manifest.sections.values.stated_metrics import Metric, unit_of
from framework.planning.refusing.built_in import devices, phase_refusals
from framework.planning.refusing.refusal import Refusal


class RecipeGroup(ParameterGroup):
    """A group of parameters whose values are numbers."""

    learning_rate: Positive | None = None
    weight_decay: NonNegative | None = None


class RecipeOptimizer(Optimizer):
    """An optimizer of torch.optim whose hyperparameters are numbers."""

    learning_rate: Positive
    weight_decay: NonNegative | None = None
    betas: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None  # type: ignore[assignment]
    eps: Positive | None = None
    momentum: Share | None = None
    layer_decay: Positive | None = None
    groups: list[RecipeGroup] | None = None  # type: ignore[assignment]


class RecipeWarmup(Warmup):
    """A warmup whose length is known."""

    from_: Annotated[float | None, Field(alias="from")] = None
    factor: float | None = None


class RecipeSegment(Segment):
    """A segment between numbers."""

    from_: Annotated[float | None, Field(alias="from")] = None
    to: float | None = None
    power: Positive | None = None


class RecipeSchedule(Schedule):
    """A schedule of a known shape between numbers."""

    warmup: RecipeWarmup = RecipeWarmup.model_construct(steps=0)
    min_learning_rate: NonNegative = 0.0
    power: Positive | None = None
    gamma: Positive | None = None
    cycles: Count | None = None
    decay: RecipeSegment | None = None
    segments: list[RecipeSegment] | None = None  # type: ignore[assignment]


class RecipeStop(EarlyStopping):
    """Early stopping by a metric that is measured."""

    metric: Literal["loss", "perplexity", "accuracy", "f1", "exact_match"]


class Recipe(Phase):
    """A phase that the built-in training can execute."""

    objective: Literal["causal_lm", "classification", "completion"]
    dataset: str
    metric: Literal["accuracy", "f1", "perplexity", "exact_match", "loss"] | Metric | None = None
    optimizer: RecipeOptimizer
    schedule: RecipeSchedule = RecipeSchedule.model_construct()
    batch_size: Count
    epochs: Positive | None = None
    max_steps: Count | None = None
    sequence_length: Count = 512
    max_grad_norm: Positive | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    master_weights: Literal["fp32"] | None = None
    loss_normalization: Literal["batch"] | None = None
    early_stopping: RecipeStop | None = None

    def min_learning_rate(self) -> float:
        """The learning rate at which the decay ends."""
        return self.schedule.min_learning_rate


def recipe_of(manifest: Manifest | None, phase: Phase, model: Model | None = None) -> Recipe | list[Refusal]:
    """The phase as the built-in training executes it, for one task or none; else all that stands in the way."""
    try:
        phase = resolved(manifest, phase, model)
    except ValueError as problem:
        return [Refusal((), str(problem), "correct it, or state the number")]
    found = list(phase_refusals(manifest, phase))
    if found:
        return found
    data = _closed(phase.model_dump(by_alias=True, exclude_none=True, exclude={"tasks", "settings", *LENGTHS}))
    data |= _length(manifest, phase)
    data["batch_size"] = _batch(manifest, phase)
    if phase.metric is not None:
        name = plain_metric(str(phase.metric_name))
        # A loss is told in several units, and which one was meant is recorded with it.
        data["metric"] = {**dumped(phase.metric), "name": name} if name == "loss" and unit_of(phase.metric) else name
    if phase.early_stopping is not None:
        data["early_stopping"]["metric"] = plain_metric(str(phase.early_stopping.metric_name))
    return Recipe.model_validate(data)


def _closed(data: Any) -> Any:
    """Rounded numbers as the number that they round to, and without what is declared absent."""
    if isinstance(data, dict):
        kept = {key: value for key, value in data.items() if value != NONE or key in ("weight_decay", "momentum")}
        return {key: 0.0 if value == NONE else _closed(value) for key, value in kept.items()}
    if isinstance(data, list):
        return [_closed(item) for item in data]
    if isinstance(data, About):
        return round(data.value) if data.value == round(data.value) else data.value
    return data


def _batch(manifest: Manifest | None, phase: Phase) -> int:
    batch = phase.batch_size
    if isinstance(batch, Batch):
        examples = batch.examples(whole(phase.sequence_length), devices(manifest))
        assert examples is not None
        return int(examples)
    found = whole(batch)
    assert found is not None
    return found


def _length(manifest: Manifest | None, phase: Phase) -> dict[str, Any]:
    """`epochs` or `max_steps`, whichever way the length is stated."""
    length: Duration | None = phase.length
    if length is None:
        stated = {name: _closed({name: getattr(phase, name)})[name] for name in ("epochs", "max_steps")}
        return {name: value for name, value in stated.items() if value is not None}
    if length.unit == "epochs":
        return {"epochs": length.amount}
    per_step: float = {"steps": 1, "samples": _batch(manifest, phase)}.get(length.unit, 0)
    if length.unit == "tokens":
        per_step = _batch(manifest, phase) * (whole(phase.sequence_length) or 1)
    return {"max_steps": math.ceil(length.amount / per_step - 1e-9)}
