"""A study that leaves a run of every kind of step: what the forgeries are made in."""

from __future__ import annotations

from pathlib import Path

from tests.support.executed import MANIFEST, TINY, ExecutedStudy

PRUNE = "prune: {score: magnitude, sparsity: 0.5, tensors: [in_proj, x_proj]}"
VARIANTS = f"""\
  dense:
    steps: [pretrain, finetune]
  stopped:
    steps:
      - pretrain
      - finetune:
          set: {{max_steps: 24, early_stopping: {{metric: accuracy, patience: 1, min_delta: 0.9}}}}
  pruned:
    steps: [pretrain, {{{PRUNE}}}, finetune]
  calibrated:
    steps:
      - pretrain
      - prune: {{score: wanda, scope: output, sparsity: 0.5, tensors: [out_proj], calibration_examples: 4}}
  solved:
    steps:
      - pretrain
      - prune: {{score: sparsegpt, scope: layer, sparsity: 0.5, tensors: [out_proj], calibration_examples: 4}}
  channels:
    steps: [pretrain, {{prune: {{structure: channel, sparsity: 0.5}}}}]
  same:
    steps: [pretrain, {{prune: {{score: random, sparsity: {{same_as: pruned}}}}}}]
  dense_lora:
    steps: [pretrain, {{finetune: {{adapter: {{lora: {{rank: 2, alpha: 4}}}}}}}}]
  to_dense:
    steps: [pretrain, {{{PRUNE}}}, {{finetune: {{adapter: {{lora: {{rank: 2, alpha: 4, mode: sparse_to_dense}}}}}}}}]
  to_sparse:
    steps: [pretrain, {{{PRUNE}}}, {{finetune: {{adapter: {{lora: {{rank: 2, alpha: 4, mode: sparse_to_sparse}}}}}}}}]
  hybrid:
    steps:
      - pretrain
      - {PRUNE}
      - finetune: {{adapter: {{sgh: {{importance: magnitude, high_rank: 4, low_rank: 2}}}}}}
  learned:
    steps: [{{pretrain: {{mask: {{sdm: {{target_sparsity: 0.55, learning_rate: 0.5}}}}}}}}, finetune]
  permuted:
    steps: [pretrain, {{{PRUNE}}}, {{permute: {{method: csp, calibration_examples: 8}}}}, finetune]
measurements:
  size:
    measure: [parameters, nonzero_parameters, trainable_parameters, flops]
    variants: [pruned, to_sparse]
    sequence_lengths: [8]
    adapters: [merged, unmerged]
  speed:
    measure: [latency, throughput]
    variants: [to_sparse]
    batch_sizes: [1]
    sequence_lengths: [8]
    warmup: 1
    repeats: 3
"""


def executed(root: Path) -> ExecutedStudy:
    """The study, with all its runs done."""
    return ExecutedStudy(root, MANIFEST + VARIANTS, (TINY, TINY)).execute()
