"""A training step to measure, put together as a run does it: model, optimizer, one batch of random tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # advice about the small vocabulary

import torch
from accelerate import Accelerator

from framework.manifest.sections.models import Model
from framework.manifest.sections.phases import Phase
from runners.data.examples import Sequences
from runners.models.building import build_language_model
from runners.processes import on_cpu
from runners.training.batches import Geometry
from runners.training.checkpointing.state import TrainingState
from runners.training.optimizers import build_optimizer
from runners.training.schedules import build_schedule
from runners.training.update import Update

VOCABULARY = 1024
OWN: dict[str, dict[str, int]] = {
    "gpt2": {"heads": 4},
    "llama": {"heads": 4, "intermediate": 0},
    "mamba": {"state": 16},
}
"""What a family states beside layers and hidden; 0 stands for four times the hidden size."""


def made(
    family: str, layers: int, hidden: int, length: int, batch: int, vocabulary: int = VOCABULARY
) -> tuple[Callable[[int, Sequence[int]], None], TrainingState]:
    """An AdamW step over a model of a family, in float32 on the CPU, in bf16 on a GPU; and its state."""
    own = {name: value or 4 * hidden for name, value in OWN[family].items()}
    stated = Model(family=family, weights="random", layers=layers, hidden=hidden, vocabulary=vocabulary, **own)
    accelerator = Accelerator(cpu=on_cpu(), mixed_precision="no" if on_cpu() else "bf16")
    model: Any = build_language_model(family, stated, vocabulary, 1, Path())
    model.train()
    prepared = accelerator.prepare(model)
    phase = Phase.model_validate(
        {
            "objective": "causal_lm",
            "dataset": "random",
            "optimizer": {"learning_rate": 1e-4},
            "batch_size": batch,
            "sequence_length": length,
            "max_steps": 1_000_000,
            "max_grad_norm": 1.0,
        }
    )
    parameters = list(model.parameters())
    optimizer = build_optimizer(phase.optimizer, parameters, [])
    tokens = torch.randint(vocabulary, (batch * length,), generator=torch.Generator().manual_seed(1)).int()
    update = Update(
        accelerator=accelerator,
        model=prepared,
        parameters=parameters,
        optimizer=accelerator.prepare(optimizer),
        examples=Sequences(tokens.numpy(), length, None),
        geometry=Geometry.of(batch, batch, 1),
        methods=[],
        max_grad_norm=1.0,
        seed=1,
        steps=1_000_000,
    )
    schedule = build_schedule(phase, optimizer, 1_000_000)

    def step(number: int, indices: Sequence[int]) -> None:
        update.gradients(number, indices)
        update.apply()

    return step, TrainingState(model, optimizer, schedule, accelerator.scaler, [], None, None)


def synchronize() -> None:
    """Wait for what was started on a GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
