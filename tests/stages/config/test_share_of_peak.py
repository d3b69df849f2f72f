"""A minimum that a file states as a share of the peak."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
phases:
  p:
    optimizer: {name: adamw, learning_rate: 2e-4}
    schedule: {name: cosine, min_learning_rate: 0.1 * learning_rate}
    batch_size: 16
variants:
  plain: {steps: [p]}
  slow: {steps: [{p: {set: {optimizer.learning_rate: 1e-4}}}]}
configs:
"""
BINDING = (
    "  - {file: a.yaml, describes: phases.p, keys: {KEY: schedule.min_learning_rate, lr: optimizer.learning_rate}}\n"
)


def codes(folder: Path, binding: str, text: str) -> list[str]:
    made = Project(folder, MANIFEST + binding)
    made.path("configs/pretrain.yaml").unlink()
    made.write("a.yaml", text)
    return [finding.code for finding in made.check().findings if finding.code != "C120"]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("min_ratio", "0.1", []),
        ("final_lr_fraction", "0.1", []),
        ("min_ratio", "0.2", ["C101"]),
        ("min_ratio", "2.0e-5", []),  # the rate itself, whatever the key is called
        ("min_lr", "0.1", ["C101", "C114"]),  # no share by its name
        ("floor", "0.1", ["C101", "C114"]),
    ],
)
def test_a_share_under_a_key_that_is_called_one(tmp_path: Path, key: str, value: str, expected: list[str]) -> None:
    assert codes(tmp_path, BINDING.replace("KEY", key), f"lr: 2.0e-4\n{key}: {value}\n") == expected


def test_the_peak_is_the_variants_own(tmp_path: Path) -> None:
    binding = BINDING.replace("KEY", "min_ratio").replace("describes:", "variant: slow, describes:")
    assert codes(tmp_path, binding, "lr: 1.0e-4\nmin_ratio: 0.1\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr: 2.0e-4\nmin_lr_ratio: 0.1\n", []),
        ("lr: 2.0e-4\nmin_lr_ratio: 0.2\n", ["C101"]),
        ("batch_size: 16\nmin_lr_ratio: 0.1\n", ["C109"]),  # of a rate that the file does not state
    ],
)
def test_a_share_by_its_usual_name(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert codes(tmp_path, "  - {file: a.yaml, dialect: generic, describes: phases.p}\n", text) == expected
