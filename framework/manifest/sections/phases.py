"""Training stages and their hyperparameters: the section `phases`."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from framework.manifest.formulas.derived import evaluate
from framework.manifest.sections.base import Count, NonNegative, Section
from framework.manifest.sections.optimizers import Optimizer
from framework.manifest.sections.schedules import Schedule
from framework.manifest.sections.values.batch_sizes import StatedBatch
from framework.manifest.sections.values.durations import Duration
from framework.manifest.sections.values.free_settings import Settings
from framework.manifest.sections.values.quantities import Formula, StatedCount, StatedPositive, number
from framework.manifest.sections.values.stated_metrics import StatedMetric, name_of

OBJECTIVES = ("causal_lm", "classification", "completion")
"""The objectives that the built-in training has."""
_OBJECTIVE = Annotated[str, Field(min_length=1, json_schema_extra={"examples": list(OBJECTIVES)})]
_PRECISION = Annotated[str, Field(min_length=1, json_schema_extra={"examples": ["fp32", "bf16", "fp16"]})]
_NORMALIZATION = Annotated[str, Field(min_length=1, json_schema_extra={"examples": ["batch", "micro_batch"]})]


class EarlyStopping(Section):
    """When training ends before its length is over."""

    metric: StatedMetric | None = None
    """The validation metric that must improve."""
    patience: Count
    """How many evaluations without improvement are waited for."""
    min_delta: NonNegative = 0.0
    """The least change that counts as an improvement."""

    @property
    def metric_name(self) -> str | None:
        """The metric's name alone."""
        return name_of(self.metric)


class Values(Section):
    """What a phase states, and a task in its place."""

    objective: _OBJECTIVE | None = None
    """What is minimised. The built-in training has `causal_lm` (the loss of every next token), `classification` (of
    classes) and `completion` (of the answers' tokens after their prompts); any other text is stated."""
    dataset: str | None = None
    """The dataset's name, for a phase without tasks."""
    metric: StatedMetric | None = None
    """The metric that is reported: a name, or `{name: bleu, direction: higher, unit: per token}`."""
    optimizers: dict[str, Optimizer] | None = None
    """Several optimizers in one phase, by what they train: `{actor: {...}, critic: {...}}`."""
    schedules: dict[str, Schedule] | None = None
    """How further quantities go over the training, by clause: `{weight_decay: {name: cosine, ...}}`."""
    batch_size: StatedBatch | None = None
    """Examples per optimizer step, over all processes and accumulated micro-batches: a number, `1M tokens`, or
    `32 per device`."""
    length: Duration | None = None
    """How long is trained, in any unit: `600B tokens`, `100 epochs`, `50M environment steps`; in the place of `epochs`
    and `max_steps`."""
    epochs: StatedPositive | None = None
    """Passes over the training data."""
    max_steps: StatedCount | None = None
    """Optimizer steps, in the place of epochs."""
    max_grad_norm: StatedPositive | None = None
    """The gradient norm above which gradients are scaled down."""
    precision: _PRECISION | None = None
    """The number format of the forward and backward passes, where the paper states it."""
    master_weights: _PRECISION | None = None
    """The number format of the weights that the optimizer updates; the built-in training has `fp32`."""
    loss_normalization: _NORMALIZATION | None = None
    """What the loss of an optimizer step is the mean of: `batch`, all its predictions, whatever micro-batch and process
    they are in (which the built-in training has); `micro_batch`, the means of the micro-batches."""
    early_stopping: EarlyStopping | None = None
    """When training ends early."""
    settings: Settings = None
    """Facts of the paper's own, under any names, nested as it likes: `{penalty: 0.1, loss_weights: {kl: 1.0}}`."""

    @property
    def metric_name(self) -> str | None:
        """The metric's name alone."""
        return name_of(self.metric)


class Task(Values):
    """One task of a phase: whatever it does otherwise than the phase, also by path (`{settings.penalty: 0.1}`)."""

    learning_rate: StatedPositive | None = None
    """The peak learning rate."""
    optimizer: Optimizer | None = None
    """What differs of the optimizer."""
    schedule: Schedule | None = None
    """What differs of the schedule."""
    sequence_length: StatedCount | None = None
    """Tokens per sequence."""

    @model_validator(mode="before")
    @classmethod
    def _from_paths(cls, value: Any) -> Any:
        return nested({} if value is None else value)

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.learning_rate is not None and self.optimizer is not None and self.optimizer.learning_rate is not None:
            raise ValueError("give one of learning_rate and optimizer.learning_rate: they state the same thing twice")
        _one_length(self)
        return self


def nested(value: Any) -> Any:
    """`{settings.penalty: 0.1}` as `{settings: {penalty: 0.1}}`.

    Raises:
        ValueError: two keys are about one place.
    """
    if not isinstance(value, dict) or not any(isinstance(key, str) and "." in key for key in value):
        return value
    found: dict[Any, Any] = {}
    for key, inner in value.items():
        parts = key.split(".") if isinstance(key, str) else [key]
        here = found
        for part in parts[:-1]:
            if not isinstance(here.setdefault(part, {}), dict):
                raise ValueError(f"{key!r} stands below {part!r}, which is no mapping")
            here[part] = here = dict(here[part])
        if parts[-1] in here:
            raise ValueError(f"{key!r} is stated twice")
        here[parts[-1]] = inner
    return found


LENGTHS = ("length", "epochs", "max_steps")
"""The fields that say how long is trained: one of them."""


def _one_length(values: Values) -> None:
    given = [name for name in LENGTHS if getattr(values, name) is not None]
    if len(given) > 1:
        raise ValueError(f"give one of {' and '.join(given)}: they state the same thing twice")


class Phase(Values):
    """One training stage, as far as the paper states it."""

    tasks: dict[str, Task] = {}
    """The tasks that this phase is run for, one run each."""
    optimizer: Optimizer = Optimizer.model_construct()
    """The optimizer."""
    schedule: Schedule = Schedule.model_construct()
    """The learning-rate schedule."""
    sequence_length: StatedCount = 512
    """Tokens per sequence; longer examples are cut."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _one_length(self)
        if self.optimizers is not None and "optimizer" in self.model_fields_set:
            raise ValueError("give one of optimizer and optimizers")
        return self

    def min_learning_rate(self) -> float:
        """The learning rate at which the decay ends, as far as the phase alone says it.

        Raises:
            ValueError: it follows from what the phase does not state.
        """
        least = self.schedule.min_learning_rate
        if not isinstance(least, Formula):
            return number(least) or 0.0
        sections = (self.optimizer, self)
        stated = {key: number(value) for section in sections for key, value in section.__dict__.items()}
        return evaluate(least, {key: value for key, value in stated.items() if value is not None})

    def for_task(self, name: str) -> Self:
        """This phase as it runs for one task: the task's own values in the place of the phase's."""
        task = self.tasks[name]
        own: dict[str, Any] = {"dataset": task.dataset or name, "tasks": {}}
        if task.model_fields_set <= _SIMPLE:
            own |= {
                key: value for key in ("epochs", "batch_size", "metric") if (value := getattr(task, key)) is not None
            }
            if task.learning_rate is not None:
                own["optimizer"] = self.optimizer.model_copy(update={"learning_rate": task.learning_rate})
            if task.epochs is not None:
                own |= {"max_steps": None, "length": None}
            return self.model_copy(update=own)
        stated = task.model_dump(by_alias=True, exclude_unset=True, exclude={"learning_rate", "dataset"})
        if task.learning_rate is not None:
            stated["optimizer"] = {**stated.get("optimizer", {}), "learning_rate": task.learning_rate}
        data = self.model_dump(by_alias=True, exclude_none=True, exclude={"tasks", "dataset"})
        if any(getattr(task, each) is not None for each in LENGTHS):
            data = {key: value for key, value in data.items() if key not in LENGTHS}
        return type(self).model_validate({**merged(data, stated), "dataset": task.dataset or name})


_SIMPLE = {"dataset", "metric", "epochs", "batch_size", "learning_rate"}


def merged(old: Any, new: Any) -> Any:
    """One mapping laid over another: mappings merge, all else is replaced, and none removes."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    found = dict(old)
    for key, value in new.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found
