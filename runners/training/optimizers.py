"""The declared optimizer and learning-rate schedule; torch's and transformers' own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler
from transformers.optimization import (
    get_constant_schedule_with_warmup,
    get_cosine_with_min_lr_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup,
)

from framework.errors import FrameworkError
from framework.planning.recipes import Recipe, RecipeOptimizer

_CLASSES = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
_STATED = {
    "adamw": ("weight_decay", "betas", "eps"),
    "adam": ("weight_decay", "betas", "eps"),
    "sgd": ("weight_decay", "momentum"),
}


def build_optimizer(stated: RecipeOptimizer, parameters: Sequence[Any], further: Sequence[dict[str, Any]]) -> Any:
    """The optimizer over the trained parameters, and over further groups with settings of their own.

    Where the manifest is silent torch's defaults hold. Weight decay applies to all parameters alike, norms and biases
    included.

    Raises:
        FrameworkError: a hyperparameter is stated that the optimizer does not have.
    """
    values = stated.model_dump(exclude_none=True, exclude={"name", "learning_rate"})
    if foreign := sorted(set(values) - set(_STATED[stated.name])):
        raise FrameworkError(f"optimizer: {stated.name} has no {' and no '.join(foreign)}")
    if "betas" in values:
        values["betas"] = tuple(values["betas"])
    groups = [{"params": list(parameters)}, *further]
    return _CLASSES[stated.name](groups, lr=stated.learning_rate, **values)


def observed_optimizer(optimizer: Any) -> dict[str, Any]:
    """Class and hyperparameters of the weights' group, read off the optimizer itself, before it has stepped."""
    group = optimizer.param_groups[0]
    facts: dict[str, Any] = {"class": type(optimizer).__name__, "learning_rate": group["lr"]}
    for name in ("weight_decay", "betas", "eps", "momentum"):
        if name in group:
            facts[name] = list(group[name]) if name == "betas" else group[name]
    return facts


def build_schedule(phase: Recipe, optimizer: Any, total_steps: int) -> LRScheduler:
    """The learning rate as a factor of each group's own, to be stepped after each optimizer step.

    With w warmup steps of T, floor f (as a share of the learning rate) and step s counted from 0: s / w during the
    warmup, then with p = (s - w) / (T - w) 1 (constant), f + (1 - f)(1 - p) (linear), or
    f + (1 - f)(1 + cos(pi p)) / 2 (cosine). So the first step of a warmup has learning rate 0, as in transformers.
    """
    warmup, floor = phase.schedule.warmup.in_steps(total_steps), phase.min_learning_rate()
    if phase.schedule.name == "constant":
        return get_constant_schedule_with_warmup(optimizer, warmup)
    if phase.schedule.name == "cosine":
        return get_cosine_with_min_lr_schedule_with_warmup(optimizer, warmup, total_steps, min_lr=floor)
    if floor >= phase.optimizer.learning_rate:
        raise FrameworkError(f"the minimum learning rate {floor} is not below {phase.optimizer.learning_rate}")
    return get_polynomial_decay_schedule_with_warmup(optimizer, warmup, total_steps, lr_end=floor, power=1.0)


def advance(schedule: LRScheduler) -> None:
    """Go on to the next optimizer step's learning rate. Every step of the plan counts, also one whose update was
    skipped by the loss scaling of fp16; torch would warn of that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        schedule.step()
