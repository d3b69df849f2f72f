"""Words of trainers that mean a paper's term: each schedule's class and function, in configs of no trainer."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.dialects.values import schedule
from framework.manifest.sections.schedules import SHAPES
from tests.support.project import Project

SAID = {
    "constant": ["constant", "constant_with_warmup", "ConstantLR"],
    "linear": ["linear", "get_linear_schedule_with_warmup"],
    "cosine": ["cosine", "CosineAnnealingLR", "torch.optim.lr_scheduler.CosineAnnealingLR"],
    "polynomial": ["polynomial", "PolynomialLR", "get_polynomial_decay_schedule_with_warmup", "poly"],
    "exponential": ["exponential", "ExponentialLR", "torch.optim.lr_scheduler.ExponentialLR"],
    "step": ["step", "StepLR"],
    "milestones": ["milestones", "MultiStepLR", "multistep"],
    "inverse_sqrt": ["inverse_sqrt", "get_inverse_sqrt_schedule", "rsqrt"],
    "one_cycle": ["one_cycle", "OneCycleLR"],
    "warmup_stable_decay": ["warmup_stable_decay", "wsd", "get_wsd_schedule"],
    "cosine_restarts": ["cosine_restarts", "CosineAnnealingWarmRestarts"],
}
WORDS = [(shape, word) for shape, words in SAID.items() for word in words]
MANIFEST = """\
version: 1
paper: {title: A paper}
phases:
  train: {schedule: {name: SHAPE}}
configs:
  - {file: configs/pretrain.yaml, dialect: generic, describes: phases.train}
"""


def test_the_table_has_only_shapes_that_can_be_stated() -> None:
    assert set(SAID) <= set(SHAPES)


@pytest.mark.parametrize(("shape", "word"), WORDS)
def test_a_schedule_s_class_is_the_paper_s_shape(tmp_path: Path, shape: str, word: str) -> None:
    assert schedule(word, {}) == shape
    project = Project(tmp_path, MANIFEST.replace("SHAPE", shape), f"scheduler: {word}\n")
    assert project.check().findings == []
    other = "cosine" if shape != "cosine" else "step"
    project.write("configs/pretrain.yaml", f"scheduler: {other}\n")
    assert [finding.code for finding in project.check().findings] == ["C101"]


@pytest.mark.parametrize("word", ["ReduceLROnPlateau", "CyclicLR", "my_schedule", "cosine_with_restarts"])
def test_another_word_is_taken_as_it_stands(word: str) -> None:
    assert schedule(word, {}) == word
