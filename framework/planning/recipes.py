"""What the built-in training can execute: a phase in which nothing is open, and why another one is none.

The statement is open, the runners are closed: whatever a paper states can be stated, and what the built-in training
does not have it refuses before anything starts, by the clause's name, with the way out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from framework.manifest.clauses import leaves_of
from framework.manifest.formulas import resolved
from framework.manifest.sections.base import Count, NonNegative, Positive, Share
from framework.manifest.sections.batches import Batch
from framework.manifest.sections.durations import Duration
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.optimizers import Optimizer, ParameterGroup
from framework.manifest.sections.phases import LENGTHS, OBJECTIVES, EarlyStopping, Phase
from framework.manifest.sections.quantities import NONE, About, whole
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import Schedule, Segment, Warmup
from framework.names import Path, did_you_mean
from framework.planning.refusing.optimizer_arguments import optimizer_refusals
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal, foreign
from framework.planning.refusing.schedule_shapes import schedule_refusals

METRICS = ("accuracy", "f1", "perplexity", "exact_match")
PRECISIONS = ("fp32", "bf16", "fp16")


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
    metric: Literal["accuracy", "f1", "perplexity", "exact_match"] | None = None
    optimizer: RecipeOptimizer
    schedule: RecipeSchedule = RecipeSchedule.model_construct()
    batch_size: Count
    epochs: Positive | None = None
    max_steps: Count | None = None
    sequence_length: Count = 512
    max_grad_norm: Positive | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    early_stopping: RecipeStop | None = None

    def min_learning_rate(self) -> float:
        """The learning rate at which the decay ends."""
        return self.schedule.min_learning_rate


def recipe_of(manifest: Manifest, phase: Phase, model: Model | None = None) -> Recipe | list[Refusal]:
    """The phase as the built-in training executes it, for one task or none; else all that stands in the way."""
    try:
        phase = resolved(manifest, phase, model)
    except ValueError as problem:
        return [Refusal((), str(problem), "correct it, or state the number")]
    found = list(_refusals(manifest, phase))
    if found:
        return found
    data = _closed(phase.model_dump(by_alias=True, exclude_none=True, exclude={"tasks", "settings", *LENGTHS}))
    data |= _length(manifest, phase)
    data["batch_size"] = _batch(manifest, phase)
    if phase.metric is not None:
        data["metric"] = phase.metric_name
    if phase.early_stopping is not None:
        data["early_stopping"]["metric"] = phase.early_stopping.metric_name
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


def _refusals(manifest: Manifest, phase: Phase) -> Iterator[Refusal]:
    yield from _missing(phase)
    yield from _unknown(phase)
    for path in leaves_of({"settings": phase.settings}) if phase.settings else ():
        yield foreign(path, "the built-in training has no such setting")
    for name in phase.optimizers or ():
        yield foreign(("optimizers", name), "the built-in training has one optimizer")
    for name in phase.schedules or ():
        yield foreign(("schedules", name), "the built-in training has a schedule for the learning rate alone")
    if phase.optimizers is None:
        yield from optimizer_refusals(phase.optimizer)
    yield from schedule_refusals(phase.schedule)
    data = phase.model_dump(by_alias=True, exclude_none=True, exclude={"tasks", "settings"})
    for path, value in _texts(data):
        if isinstance(value, About) and math.isnan(value.value):
            yield Refusal(path, f"{'.'.join(map(str, path))} is a range, {value}", "state the value that runs use")
    yield from _amounts(manifest, phase)


def _missing(phase: Phase) -> Iterator[Refusal]:
    """What a training needs and the phase does not state."""
    needed: list[tuple[Path, Any, str]] = [
        (("objective",), phase.objective, "one of " + ", ".join(OBJECTIVES)),
        (("dataset",), phase.dataset, "a dataset's name, or `tasks`"),
        (("batch_size",), _some(phase.batch_size), "examples per optimizer step"),
    ]
    if phase.optimizers is None:
        needed.insert(2, (("optimizer", "learning_rate"), _some(phase.optimizer.learning_rate), "the peak"))
    if all(_some(getattr(phase, name)) is None for name in LENGTHS):
        needed.append((("epochs",), None, "`epochs`, `max_steps` or `length`"))
    for path, value, what in needed:
        if value is None:
            name = ".".join(map(str, path))
            yield Refusal(path, f"{name} is not stated, and a training needs it", f"state it ({what}), {OWN_SCRIPT}")
    if phase.early_stopping is not None and phase.early_stopping.metric is None:
        path = ("early_stopping", "metric")
        yield Refusal(path, "early_stopping.metric is not stated, and a training needs it", f"state it, {OWN_SCRIPT}")


def _some(value: Any) -> Any:
    return None if value == NONE else value


def _unknown(phase: Phase) -> Iterator[Refusal]:
    """Terms that the built-in training does not know."""
    stop = phase.early_stopping
    terms: list[tuple[Path, Any, tuple[str, ...]]] = [
        (("objective",), phase.objective, OBJECTIVES),
        (("metric",), phase.metric_name, METRICS),
        (("precision",), phase.precision, PRECISIONS),
        (("early_stopping", "metric"), stop.metric_name if stop else None, ("loss", *METRICS)),
    ]
    for path, value, known in terms:
        if value is not None and value not in known:
            name = ".".join(str(part) for part in path)
            message = f"the built-in training does not know the {name} {value!r}"
            yield Refusal(path, message, f"{did_you_mean(str(value), known)}; {OWN_SCRIPT}")


def _texts(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _texts(value, (*path, key))
    if isinstance(data, str):
        yield path, data


def _amounts(manifest: Manifest, phase: Phase) -> Iterator[Refusal]:
    """Batches and lengths that do not come to whole examples and optimizer steps."""
    batch = phase.batch_size
    if isinstance(batch, Batch):
        examples = batch.examples(whole(phase.sequence_length), manifest.hardware.count)
        if examples is None or examples != int(examples):
            of = f"sequences of {phase.sequence_length}" if batch.unit == "tokens" else "examples"
            message = f"a batch of {batch} is no whole number of {of}"
            yield Refusal(("batch_size",), message, "state the number of examples, and the sequence length")
    length = phase.length
    if length is not None and length.unit in ("ratio", "environment_steps"):
        yield foreign(("length",), f"the built-in training does not count {length.unit.replace('_', ' ')}")


def _batch(manifest: Manifest, phase: Phase) -> int:
    batch = phase.batch_size
    if isinstance(batch, Batch):
        examples = batch.examples(whole(phase.sequence_length), manifest.hardware.count)
        assert examples is not None
        return int(examples)
    found = whole(batch)
    assert found is not None
    return found


def _length(manifest: Manifest, phase: Phase) -> dict[str, Any]:
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


def model_refusals(model: Model) -> Iterator[Refusal]:
    """What keeps a model from being built or loaded here."""
    if not model.family:
        yield Refusal(("family",), "its family is not stated, and a run needs it", "state `family`, such as `gpt2`")
    if model.weights == "pretrained" and not (model.hub or model.path):
        yield Refusal(
            (), "pretrained weights need `hub` or `path`", "state one; for a new initialisation say `weights: random`"
        )
    if model.weights == "random" and not (model.hub or model.path) and not (model.layers and model.hidden):
        message = "random weights need `layers` and `hidden` (or a `hub` or `path` to take the sizes from)"
        yield Refusal((), message, "state them")
    for path in leaves_of({"settings": model.settings}) if model.settings else ():
        yield foreign(path, "the built-in models have no such setting")


def dataset_refusals(dataset: Dataset, objective: str | None) -> Iterator[Refusal]:
    """What keeps a dataset from being loaded here."""
    if not (dataset.hub or dataset.path or dataset.builtin):
        yield Refusal((), "a run needs one of `hub`, `path` and `builtin`", f"say where it lies, {OWN_SCRIPT}")
    for path in leaves_of({"settings": dataset.settings}) if dataset.settings else ():
        yield foreign(path, "the built-in loading has no such setting")
    if objective == "completion" and dataset.prompt is None:
        yield Refusal((), "training on answers needs its `prompt`", "state it, and `choices` or `answer`")
