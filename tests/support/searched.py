"""A small study with a search before its production runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.steps import Step, Training

MANIFEST = """\
version: 1
paper: {title: A study of tuned methods}
hardware: {accelerator: cpu}
models:
  tiny: {family: mamba, weights: random, layers: 1, hidden: 8, state: 4, vocabulary: 256, tokenizer: bytes}
datasets:
  topics: {builtin: reference-topics, labels: 2, limit: 24, validation_limit: 8}
phases:
  tune:
    objective: classification
    tasks: {topics: {}}
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 8
    epochs: 1
    sequence_length: 32
variants:
  full: {steps: [tune]}
  lora: {steps: [{tune: {adapter: {lora: {rank: 2, alpha: 4}}}}]}
seeds: [1, 2]
searches:
  lr:
    phase: tune
    variants: [lora]
    space:
      optimizer.learning_rate: {low: 1e-5, high: 1e-2, scale: log}
      optimizer.weight_decay: {low: 0.0, high: 0.1, step: 0.02}
      batch_size: [4, 8]
      adapter.lora.rank: [2, 4]
    budget: {completed_trials: 6}
    objective: accuracy
    seeds: [100]
"""


def recorded_by_rate(step: Step, store: RunStore, project: Path, progress: Any) -> RunRecord:
    """What an execution leaves, without its work: the accuracy is the higher the nearer the learning rate is to 1e-3,
    and depends on the seed a little."""
    assert isinstance(step.work, Training)
    rate = float(step.work.recipe.optimizer.learning_rate)
    accuracy = 1.0 / (1.0 + abs(math.log10(rate) + 3.0)) - 0.001 * (step.seed % 7)
    return recorded(step, store, {"accuracy": accuracy, "validation_loss": 1.0 - accuracy})


def recorded(step: Step, store: RunStore, metrics: dict[str, float], status: Any = "done", **more: Any) -> RunRecord:
    """A run's record with these metrics."""
    folder = store.folder(step.folder)
    folder.mkdir(parents=True, exist_ok=True)
    record = RunRecord(
        step.key, step.folder, step.name, list(step.variants), step.model_name, step.task, step.seed, step.profile,
        dict(step.identity), status=status, metrics=metrics, seconds=3.6, started="2026-01-01T00:00:00+00:00",
        observed={"optimizer_steps": 3, "planned_steps": 3, **more},
    )  # fmt: skip
    record.write(folder)
    return record
