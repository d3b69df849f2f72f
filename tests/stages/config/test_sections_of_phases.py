"""A file of a whole pipeline: each section that is called as a phase is held to that phase's lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
datasets: {text: {train_examples: 6400}, pairs: {train_examples: 3200}}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    batch_size: 32
    epochs: 5
  tune:
    objective: causal_lm
    dataset: pairs
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 32
    epochs: 2
variants:
  one: {steps: [pretrain, tune]}
configs:
  - file: a.yaml
    keys: {pretrain.lr: phases.pretrain.optimizer.learning_rate, pretrain.epochs: phases.pretrain.epochs}
"""


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("  max_steps: 1000\ntune:\n  epochs: 2\n  max_steps: 200\n", []),
        ("  max_steps: 300\n", ["C111"]),
        ("  warmup_steps: 1200\n", ["C112"]),
        ("tune:\n  epochs: 2\n  max_steps: 1000\n", ["C111"]),
        ("tune:\n  epochs: 2\n  warmup_steps: 400\n", ["C112"]),
        ("other:\n  epochs: 2\n  max_steps: 1000\n", []),
    ],
)
def test_each_section_is_held_to_its_phase(tmp_path: Path, text: str, codes: list[str]) -> None:
    project = Project(tmp_path, MANIFEST)
    project.write("a.yaml", f"pretrain:\n  lr: 2e-4\n  epochs: 5\n{text}")
    assert [each.code for each in project.check().findings if each.code != "C120"] == codes
