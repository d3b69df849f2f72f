"""What is known of a training when it begins, in the run record's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from framework.planning.recipes import Recipe
from framework.recording.named_parameters import decay_of, unwrapped
from runners.training.batches import Geometry
from runners.training.length import scale_of
from runners.training.optimizers import observed_optimizer
from runners.training.parameter_groups import Group

LOSS_NORMALIZATION = "batch"
"""What :meth:`runners.training.update.Update._backward` does: one mean over all predictions of an optimizer step."""
_FORMATS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def planned_facts(
    phase: Recipe,
    geometry: Geometry,
    steps: int,
    train_examples: int,
    seed: int,
    optimizer: Any,
    groups: Sequence[Group] | None = None,
    named: Iterable[tuple[str, Tensor]] = (),
) -> dict[str, Any]:
    """The part of the record's ``observed`` that is read off before the first of ``steps`` optimizer steps.

    Args:
        named: All parameters of the model by their names, by which those are told that weight decay shrinks.
    """
    scale = scale_of(phase.batch_size, phase.sequence_length, train_examples)
    return {
        "planned_steps": steps,
        "train_examples": train_examples,
        "batch_size": geometry.batch_size,
        "micro_batch_size": geometry.micro_batch_size,
        "accumulation": geometry.accumulation,
        "processes": geometry.processes,
        "seed": seed,
        "optimizer": observed_optimizer(optimizer, phase.optimizer, groups),
        "schedule": {
            "name": phase.schedule.name,
            "warmup_steps": phase.schedule.warmup.in_steps(steps, scale),
            "min_learning_rate": phase.min_learning_rate(),
        },
        "max_grad_norm": phase.max_grad_norm,
        "sequence_length": phase.sequence_length,
        "objective": phase.objective,
        **training_facts(optimizer, named),
        "stopped_early": None,
    }


def training_facts(optimizer: Any, named: Iterable[tuple[str, Tensor]]) -> dict[str, Any]:
    """What the training states of itself: `master_weights`, `loss_normalization`, `decayed` and `undecayed`.

    Args:
        named: All parameters of the model by their names; see :func:`planned_facts`.
    """
    formats, normalization = _formats(optimizer), LOSS_NORMALIZATION
    return {"master_weights": formats, "loss_normalization": normalization, **_decay(optimizer, named)}


def _formats(optimizer: Any) -> str:
    """The number format of what the optimizer updates, by the names of `precision`; several joined by commas."""
    found = {value.dtype for group in optimizer.param_groups for value in group["params"]}
    return ", ".join(sorted(_FORMATS.get(dtype, str(dtype).removeprefix("torch.")) for dtype in found))


def _decay(optimizer: Any, named: Iterable[tuple[str, Tensor]]) -> dict[str, dict[str, Any]]:
    """Which trained parameters weight decay shrinks and which it does not: how many, and a digest of their names."""
    names = {id(value): unwrapped(name) for name, value in named}
    return decay_of(
        # what a method trains beside the model has no name in it
        (names.get(id(value), f"groups[{index}][{place}]"), value.numel(), group.get("weight_decay"))
        for index, group in enumerate(optimizer.param_groups)
        for place, value in enumerate(group["params"])
    )
