"""Batches and lengths in tokens, trained by the built-in training, and held by what the run recorded."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from framework.api import load, plan, run, verify
from framework.conformance import Stage, Status

pytestmark = pytest.mark.slow
MANIFEST = """\
version: 1
paper: {title: Tokens}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 16, heads: 2, vocabulary: 256, tokenizer: bytes,
         positions: 32}
datasets:
  text: {builtin: language-reference, limit: 64}
phases:
  adaptive:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3, settings: {amsgrad: true}}
    batch_size: 512 tokens
    length: 2048 tokens
    sequence_length: 32
variants:
  all: {steps: [adaptive]}
seeds: [1]
"""
HELD = (
    "phases.adaptive.optimizer.settings.amsgrad",
    "phases.adaptive.batch_size",
    "phases.adaptive.length",
)


def test_what_is_stated_in_tokens_is_trained_and_held(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(MANIFEST)
    with chdir(tmp_path):
        experiment = load()
        assert len(list(run(experiment, plan(experiment)))) == 1
        result = verify(experiment)
    assert result.findings == []
    assert result.finished == 1
    by_id = {clause.id: clause for clause in result.matrix.clauses}
    seen = {name: result.matrix.status(by_id[name], Stage.RUN) for name in HELD}
    assert seen == dict.fromkeys(HELD, Status.CONFORMS)
