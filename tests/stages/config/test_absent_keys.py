"""Where a finding about a key that is absent stands: in the section in which it would stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
datasets: {text: {}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}
    batch_size: 32
    epochs: 5
    max_grad_norm: 0.5
variants:
  one: {steps: [train]}
configs:
"""
HF = "  - {file: a.yaml, dialect: hf-training-arguments, describes: phases.train}\n"
LIGHTNING = "  - {file: a.yaml, dialect: lightning-cli, describes: phases.train}\n"
OWN = (
    "  - {file: a.yaml, describes: phases.train, states: [CLAUSE], keys: {log: seeds, "
    "o.lr: optimizer.learning_rate, t.n: epochs, t.b: batch_size}}\n"
)
SECTIONS = "log: 1\no:\n  lr: 2e-4\nt:\n  n: 5\n  b: 32\n"


@pytest.mark.parametrize(
    ("clause", "place"), [("optimizer.weight_decay", "a.yaml:2:1"), ("max_grad_norm", "a.yaml:4:1")]
)
def test_an_unstated_clause_stands_with_its_neighbours(tmp_path: Path, clause: str, place: str) -> None:
    binding = OWN.replace("CLAUSE", clause).replace("log: seeds, ", "")
    project = Project(tmp_path, MANIFEST + binding)
    project.write("a.yaml", SECTIONS)
    assert [str(each.location) for each in project.check().findings if each.code == "C123"] == [place]


@pytest.mark.parametrize(
    ("binding", "text", "places"),
    [
        (
            HF,
            "run: x\ntraining:\n  per_device_train_batch_size: 32\n  num_train_epochs: 5\n  learning_rate: 2e-4\n",
            {"a.yaml:2:1"},
        ),
        (HF, "per_device_train_batch_size: 32\nnum_train_epochs: 5\nlearning_rate: 2e-4\n", {"a.yaml:1:1"}),
        (
            LIGHTNING,
            "seed_everything: 1\noptimizer:\n  class_path: torch.optim.AdamW\n  init_args:\n    lr: 2e-4\n",
            {"a.yaml:4:3"},
        ),
    ],
)
def test_a_default_stands_where_its_key_would(tmp_path: Path, binding: str, text: str, places: set[str]) -> None:
    project = Project(tmp_path, MANIFEST + binding)
    project.write("a.yaml", text)
    found = {str(each.location) for each in project.check().findings if each.code == "C131"}
    assert found == places
