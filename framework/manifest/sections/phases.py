"""Training stages and their hyperparameters: the section `phases`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from framework.manifest.derived import evaluate
from framework.manifest.sections.base import Count, Derived, Duration, NonNegative, Positive, Section, Share


class Optimizer(Section):
    """The optimizer and its hyperparameters."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    """The optimizer's name."""
    learning_rate: Positive
    """The peak learning rate."""
    weight_decay: NonNegative | None = None
    """Weight decay, of all parameters: decoupled for adamw, an L2 penalty for adam and sgd, as in torch."""
    betas: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None
    """Decay rates of the two moment estimates."""
    eps: Positive | None = None
    """The term added to the denominator."""
    momentum: Share | None = None
    """Momentum, for sgd."""


class Schedule(Section):
    """How the learning rate goes over the optimizer steps."""

    name: Literal["constant", "linear", "cosine"] = "constant"
    """The shape after the warmup."""
    warmup: Duration = Duration.model_construct(steps=0)
    """Linear increase from 0 to the peak: a share of all steps (`10%`), or `500 steps`."""
    min_learning_rate: Derived = 0.0
    """Where the decay ends: a number, or `0.1 * learning_rate`."""


class EarlyStopping(Section):
    """When training ends before its epochs are over."""

    metric: Literal["loss", "perplexity", "accuracy", "f1", "exact_match"]
    """The validation metric that must improve."""
    patience: Count
    """How many evaluations without improvement are waited for."""
    min_delta: NonNegative = 0.0
    """The least change that counts as an improvement."""


class Task(Section):
    """One task of a phase: what differs from the phase."""

    dataset: str | None = None
    """The dataset's name; by default the task's own."""
    metric: Literal["accuracy", "f1", "perplexity", "exact_match"] | None = None
    """The metric that is reported."""
    epochs: Positive | None = None
    """Passes over the training data."""
    batch_size: Count | None = None
    """Sequences per optimizer step, over all processes."""
    learning_rate: Positive | None = None
    """The peak learning rate."""


class Phase(Section):
    """One training stage."""

    objective: Literal["causal_lm", "classification", "completion"]
    """What is minimised: the loss of every next token, of classes, or of the answers' tokens after their prompts."""
    dataset: str | None = None
    """The dataset's name, for a phase without tasks."""
    tasks: dict[str, Task] = {}
    """The tasks that this phase is run for, one run each."""
    metric: Literal["accuracy", "f1", "perplexity", "exact_match"] | None = None
    """The metric that is reported."""
    optimizer: Optimizer
    """The optimizer."""
    schedule: Schedule = Schedule.model_construct()
    """The learning-rate schedule."""
    batch_size: Count
    """Sequences per optimizer step, over all processes and accumulated micro-batches."""
    epochs: Positive | None = None
    """Passes over the training data."""
    max_steps: Count | None = None
    """Optimizer steps, in the place of epochs."""
    sequence_length: Count = 512
    """Tokens per sequence; longer examples are cut."""
    max_grad_norm: Positive | None = None
    """The gradient norm above which gradients are scaled down."""
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    """The number format of the forward and backward passes, where the paper states it."""
    early_stopping: EarlyStopping | None = None
    """When training ends early."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.dataset is None and not self.tasks:
            raise ValueError("a phase needs `dataset`, or `tasks` with a dataset each")
        if self.epochs is not None and self.max_steps is not None:
            raise ValueError("give one of epochs and max_steps: they state the same thing twice")
        endless = [name for name, task in self.tasks.items() if task.epochs is None] if self.tasks else [None]
        if self.epochs is None and self.max_steps is None and endless:
            missing = f" of {endless[0]}" if endless[0] else ""
            raise ValueError(f"the length of the training{missing} is missing: give `epochs` or `max_steps`")
        forms: list[Phase] = [self, *(self.for_task(name) for name in self.tasks)]
        for each in forms:
            if each.min_learning_rate() < 0:
                raise ValueError(f"{self.schedule.min_learning_rate!r} is below 0")
        return self

    def min_learning_rate(self) -> float:
        """The learning rate at which the decay ends, its derivation evaluated."""
        stated = self.schedule.min_learning_rate
        if not isinstance(stated, str):
            return stated
        names = {name: getattr(self.optimizer, name) for name in ("learning_rate", "weight_decay", "eps")}
        names |= {name: getattr(self, name) for name in ("batch_size", "epochs", "max_steps", "sequence_length")}
        return evaluate(stated, {name: float(value) for name, value in names.items() if value is not None})

    def for_task(self, name: str) -> Self:
        """This phase as it runs for one task: the task's own values in the place of the phase's."""
        task = self.tasks[name]
        own = {key: value for key in ("epochs", "batch_size", "metric") if (value := getattr(task, key)) is not None}
        optimizer = self.optimizer
        if task.learning_rate is not None:
            optimizer = optimizer.model_copy(update={"learning_rate": task.learning_rate})
        if task.epochs is not None:
            own["max_steps"] = None
        return self.model_copy(update={**own, "optimizer": optimizer, "dataset": task.dataset or name, "tasks": {}})
