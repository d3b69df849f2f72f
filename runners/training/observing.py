"""What is known of a training when it begins, in the run record's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framework.planning.recipes import Recipe
from runners.training.batches import Geometry
from runners.training.length import scale_of
from runners.training.optimizers import observed_optimizer
from runners.training.parameter_groups import Group


def planned_facts(
    phase: Recipe,
    geometry: Geometry,
    steps: int,
    train_examples: int,
    seed: int,
    optimizer: Any,
    groups: Sequence[Group] | None = None,
) -> dict[str, Any]:
    """The part of the record's ``observed`` that is read off before the first of ``steps`` optimizer steps."""
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
        "stopped_early": None,
    }
