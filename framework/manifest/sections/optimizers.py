"""Optimizers and their hyperparameters, for all parameters and for groups of them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from framework.manifest.sections.base import Section
from framework.manifest.sections.values.free_settings import Settings
from framework.manifest.sections.values.quantities import StatedNonNegative, StatedPositive, StatedShare

OPTIMIZERS = (
    "adamw",
    "adam",
    "sgd",
    "adadelta",
    "adafactor",
    "adagrad",
    "adamax",
    "asgd",
    "muon",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
)
"""The optimizers that the built-in training has: those of torch.optim, by their names there in lower case."""
_NAME = Annotated[str, Field(min_length=1, json_schema_extra={"examples": [*OPTIMIZERS, "lion", "lamb", "lars"]})]


class ParameterGroup(Section):
    """Some of the parameters, and what holds for them alone."""

    parameters: Annotated[list[str], Field(min_length=1)]
    """Which: `norms`, `biases`, `embeddings`, `head`, or modules by name, or the end of it after a dot. The first group
    that a parameter is in counts."""
    learning_rate: StatedPositive | None = None
    """Their peak learning rate."""
    weight_decay: StatedNonNegative | None = None
    """Their weight decay."""
    frozen: bool | None = None
    """Whether they are not trained."""
    settings: Settings = None
    """What else holds for them."""


class Optimizer(Section):
    """The optimizer and its hyperparameters."""

    name: _NAME = "adamw"
    """The optimizer's name."""
    learning_rate: StatedPositive | None = None
    """The peak learning rate: a number, or arithmetic such as `5e-4 * batch_size / 512`."""
    weight_decay: StatedNonNegative | None = None
    """Weight decay, of all parameters that no group names: decoupled for adamw, an L2 penalty for adam and sgd, as in
    torch."""
    betas: Annotated[list[StatedShare], Field(min_length=2, max_length=3)] | None = None
    """Decay rates of the moment estimates."""
    eps: StatedPositive | None = None
    """The term added to the denominator."""
    momentum: StatedShare | None = None
    """Momentum, for sgd and what is like it."""
    nesterov: bool | None = None
    """Whether the momentum is Nesterov's."""
    layer_decay: StatedPositive | None = None
    """Layer-wise decay: the learning rate of each layer is that of the next one times this (Clark et al. 2020)."""
    groups: Annotated[list[ParameterGroup], Field(min_length=1)] | None = None
    """Parameters with values of their own: no weight decay on norms and biases, another rate for a module, frozen
    parts."""
    settings: Settings = None
    """What else the optimizer is given, by the names that it has for it."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.betas is not None and len(self.betas) == 3 and self.name in ("adamw", "adam"):
            raise ValueError(f"{self.name} has two betas")
        return self
