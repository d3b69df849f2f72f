"""Optimizers as papers state them, trained by the built-in training, and held by what the runs recorded."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from framework.api import load, plan, run, verify
from framework.conformance import Stage, Status

pytestmark = pytest.mark.slow
MANIFEST = """\
version: 1
paper: {title: Optimizers}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 16, heads: 2, vocabulary: 256, tokenizer: bytes,
         positions: 32}
datasets:
  text: {builtin: language-reference, limit: 64}
phases:
  momentum:
    objective: causal_lm
    dataset: text
    optimizer:
      name: sgd
      learning_rate: 1e-2
      momentum: 0.9
      nesterov: true
      weight_decay: 0.1
      layer_decay: 0.7
      groups:
        - {parameters: [norms, biases], weight_decay: 0}
        - {parameters: [attn], learning_rate: 0.5 * learning_rate}
        - {parameters: [wpe], frozen: true}
    schedule: {segments: [{shape: linear, length: 2 steps, from: 0, to: 1}, {shape: exponential, to: 0.1}]}
    batch_size: 8
    epochs: 2
    sequence_length: 32
  matrices:
    objective: causal_lm
    dataset: text
    optimizer: {name: muon, learning_rate: 1e-3}
    schedule: {name: warmup_stable_decay, warmup: 1 steps, decay: {shape: 1-sqrt, length: 2 steps}}
    batch_size: 8
    max_steps: 6
    sequence_length: 32
  adaptive:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3, settings: {amsgrad: true}}
    batch_size: 512 tokens
    length: 2048 tokens
    sequence_length: 32
variants:
  all: {steps: [momentum, matrices, adaptive]}
seeds: [1]
"""
HELD = (
    "phases.momentum.optimizer.name",
    "phases.momentum.optimizer.learning_rate",
    "phases.momentum.optimizer.momentum",
    "phases.momentum.optimizer.nesterov",
    "phases.momentum.optimizer.weight_decay",
    "phases.momentum.optimizer.layer_decay",
    "phases.momentum.optimizer.groups[0].weight_decay",
    "phases.momentum.optimizer.groups[1].learning_rate",
    "phases.momentum.optimizer.groups[2].frozen",
    "phases.matrices.optimizer.name",
    "phases.matrices.optimizer.learning_rate",
    "phases.adaptive.optimizer.settings.amsgrad",
    "phases.adaptive.batch_size",
    "phases.adaptive.length",
)


def test_what_is_stated_of_an_optimizer_is_trained_and_held(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(MANIFEST)
    with chdir(tmp_path):
        experiment = load()
        assert len(list(run(experiment, plan(experiment)))) == 3
        result = verify(experiment)
    assert result.findings == []
    assert result.finished == 3
    by_id = {clause.id: clause for clause in result.matrix.clauses}
    seen = {name: result.matrix.status(by_id[name], Stage.RUN) for name in HELD}
    assert seen == dict.fromkeys(HELD, Status.CONFORMS)
