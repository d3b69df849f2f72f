"""A length in epochs beside one in steps, and one where the manifest declares the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.stages.check import CheckResult
from tests.support.project import Project
from tests.support.statuses import status_of

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
datasets: {text: {SIZE}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    batch_size: 32
    LENGTH
variants:
  one: {steps: [train]}
configs:
  - {file: a.yaml, describes: phases.train, BOUND}
"""
KEYS = "keys: {lr: optimizer.learning_rate, "


def _checked(tmp_path: Path, text: str, length: str, bound: str, size: str = "", more: str = "") -> CheckResult:
    manifest = MANIFEST.replace("SIZE", size).replace("LENGTH", length).replace("BOUND", bound)
    project = Project(tmp_path, manifest + more)
    project.write("a.yaml", f"lr: 2e-4\n{text}")
    return project.check()


@pytest.mark.parametrize(
    ("length", "bound", "clause"),
    [
        ("epochs: 20", KEYS + "max_epochs: epochs}", "epochs"),
        ("max_steps: 20000", KEYS + "max_steps: max_steps}", "max_steps"),
        ("epochs: 20", "dialect: generic", "epochs"),
        ("max_steps: 20000", "dialect: generic", "max_steps"),
    ],
)
def test_two_lengths_of_data_of_no_known_size_are_unverified(
    tmp_path: Path, length: str, bound: str, clause: str
) -> None:
    result = _checked(tmp_path, "max_epochs: 20\nmax_steps: 20000\n", length, bound)
    assert status_of(result, f"phases.train.{clause}", Stage.CONFIG) is Status.UNVERIFIED
    unset = _checked(tmp_path, "max_epochs: 20\nmax_steps: -1\n", length, bound)
    assert length.startswith("max") or status_of(unset, f"phases.train.{clause}", Stage.CONFIG) is Status.CONFORMS


@pytest.mark.parametrize(
    ("epochs", "steps", "status"),
    [
        ("1", "200", Status.CONFORMS),
        ("1", "300", Status.VIOLATED),
        ("3", "200", Status.VIOLATED),
        ("1.5", "300", Status.CONFORMS),
    ],
)
def test_epochs_of_data_of_a_known_size_are_held_to_the_declared_steps(
    tmp_path: Path, epochs: str, steps: str, status: Status
) -> None:
    result = _checked(
        tmp_path, f"epochs: {epochs}\n", f"max_steps: {steps}", "dialect: generic", "train_examples: 6400"
    )
    assert status_of(result, "phases.train.max_steps", Stage.CONFIG) is status


def test_epochs_that_another_file_may_end_are_unverified(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("precision: bf16\n")
    more = "  - {file: b.yaml, describes: phases.train, dialect: generic}\n"
    for epochs, status in (("3", Status.UNVERIFIED), ("0.5", Status.VIOLATED)):
        result = _checked(
            tmp_path, f"epochs: {epochs}\n", "max_steps: 200", "dialect: generic", "train_examples: 6400", more
        )
        assert status_of(result, "phases.train.max_steps", Stage.CONFIG) is status


def test_epochs_beside_the_declared_steps_may_be_more_than_enough(tmp_path: Path) -> None:
    for epochs, steps, status in (
        ("1000", "200", Status.CONFORMS),
        ("1", "200", Status.CONFORMS),
        ("0.5", "200", Status.UNVERIFIED),
        ("1000", "300", Status.VIOLATED),
    ):
        text = f"epochs: {epochs}\nmax_steps: {steps}\n"
        result = _checked(tmp_path, text, "max_steps: 200", "dialect: generic", "train_examples: 6400")
        assert status_of(result, "phases.train.max_steps", Stage.CONFIG) is status, text
