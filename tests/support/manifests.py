"""A study that says everything which trainers have words for: what several manifests of the tests are made of."""

from __future__ import annotations

TRAIN = """\
  train:
    objective: causal_lm
    dataset: corpus
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-8}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 64
    epochs: 3
    sequence_length: 1024
    max_grad_norm: 1.0
    precision: bf16
"""
STATED = f"""\
version: 1
paper: {{title: A study of a small model}}
hardware: {{count: 2}}
models:
  small: {{family: llama, hub: example/small, layers: 12, hidden: 768, heads: 12, vocabulary: 32000}}
datasets:
  corpus: {{hub: example/corpus, train_examples: 64_000}}
phases:
{TRAIN}variants:
  full: {{steps: [train]}}
  lora: {{steps: [{{train: {{adapter: {{lora: {{rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, v_proj]}}}}}}}}]}}
seeds: [42]
"""
