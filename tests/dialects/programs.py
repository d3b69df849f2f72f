"""One Python program, held to one manifest."""

from __future__ import annotations

from pathlib import Path

from framework.stages.check import CheckResult
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A program}
hardware: {count: 1}
datasets:
  text: {}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-4, weight_decay: 0.1}
    schedule: {name: constant, warmup: 10%}
    batch_size: 32
    epochs: 3
variants:
  one: {steps: [train]}
seeds: [1, 2, 3]
configs:
  - {file: train.py, dialect: generic, describes: phases.train, variant: one}
"""


def checked(tmp_path: Path, text: str, manifest: str = MANIFEST) -> CheckResult:
    project = Project(tmp_path, manifest)
    project.write("train.py", text)
    return project.check()
