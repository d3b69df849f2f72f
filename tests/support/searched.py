"""A small study with a search before its production runs."""

from __future__ import annotations

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
