"""What `framework init --starter` writes where there is nothing yet: a study that is whole, small, and conforms."""

from __future__ import annotations

STARTING_MANIFEST = """\
# What the paper says. `framework check` holds the files under `configs:` to it, `framework run --all` executes it,
# `framework verify` holds what ran to it. Every field: docs/reference.md, or `framework explain`.
version: 1
paper:
  title: The title of the study
hardware:
  accelerator: cpu
models:
  small:
    family: llama
    weights: random
    layers: 2
    hidden: 32
    heads: 2
    intermediate: 64
    vocabulary: 256
    tokenizer: bytes
datasets:
  text: {builtin: language-reference, limit: 256, validation_limit: 64}  # of your own: {path: data/text}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    metric: perplexity
    optimizer: {name: adamw, learning_rate: 3e-3, weight_decay: 0.1}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 16
    epochs: 2
    sequence_length: 64
    max_grad_norm: 1.0
variants:
  dense:
    description: as it is trained
    steps: [pretrain]
  pruned:
    description: the dense model without half of its weights
    from: dense
    steps:
      - prune: {score: magnitude, sparsity: 0.5, tensors: [gate_proj, up_proj, down_proj]}
seeds: [1, 2]
claims:
  - {id: cost, assert: "perplexity(pruned) <= 2 * perplexity(dense)", confidence: 0.75}
configs:
  - file: configs/pretrain.yaml
    describes: phases.pretrain
    keys:
      optimizer.lr: optimizer.learning_rate
      optimizer.weight_decay: optimizer.weight_decay
      scheduler.warmup_ratio: schedule.warmup.ratio
      epochs: epochs
      batch_size: batch_size
"""

STARTING_CONFIG = (
    "configs/pretrain.yaml",
    """\
# What a trainer of your own reads. Change a value, and `framework check` names it.
optimizer: {lr: 3.0e-3, weight_decay: 0.1}
scheduler: {warmup_ratio: 0.1}
epochs: 2
batch_size: 16
""",
)
"""Its name below the project, and its text."""
