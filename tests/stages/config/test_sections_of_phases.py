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


STOPPING = MANIFEST.replace("    epochs: 2\n", "    epochs: 2\n    early_stopping: {metric: loss, patience: 3}\n")
STARTS = "pretrain:\n  lr: 2e-4\n  epochs: 5\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("tune:\n  epochs: 2\n", [5]),
        ("  patience: 3\ntune:\n  epochs: 2\n", [6]),
        ("tune:\n  epochs: 2\n  early_stopping: {patience: 3}\n", []),
        ("tune:\n  epochs: 2\nearly_stopping: {patience: 3}\n", []),
        ("tune:\n  lr: 1e-4\n", []),
        ("other:\n  epochs: 2\n", []),
    ],
)
def test_early_stopping_is_looked_for_in_its_phases_section(tmp_path: Path, text: str, lines: list[int]) -> None:
    """C140; another phase's patience is none of its."""
    project = Project(tmp_path, STOPPING)
    project.write("a.yaml", STARTS + text)
    found = [each.location for each in project.check().findings if each.code == "C140"]
    assert [each.line for each in found if each is not None] == lines


OWN = "    tasks: {boolq: {dataset: text, epochs: 2}, sst: {dataset: pairs, epochs: 7}}\n"
TASKS = STOPPING.replace("    early_stopping", f"{OWN}    early_stopping")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("tune:\n  epochs: 2\n", ["C106"]),
        ("tune:\n  boolq:\n    epochs: 2\n  sst:\n    epochs: 7\n", []),
        ("tune:\n  task: boolq\n  epochs: 2\n", []),
        ("other:\n  epochs: 2\n", []),
    ],
)
def test_one_value_for_tasks_that_differ_is_found_in_their_phases_section(
    tmp_path: Path, text: str, codes: list[str]
) -> None:
    project = Project(tmp_path, TASKS)
    project.write("a.yaml", STARTS + text)
    found = [each for each in project.check().findings if each.code == "C106"]
    assert [each.code for each in found] == codes
    assert all("phases.tune.tasks.sst.epochs" in (each.advice or "") for each in found)


def test_a_sister_that_is_not_bound_is_told_where_the_file_is_of_several_phases(tmp_path: Path) -> None:
    more = "tune.boolq.epochs: phases.tune.tasks.boolq.epochs, pretrain.epochs: p"
    project = Project(tmp_path, TASKS.replace("pretrain.epochs: p", more))
    project.write("a.yaml", STARTS + "tune:\n  boolq:\n    epochs: 2\n")
    (finding,) = [each for each in project.check().findings if each.code == "C107"]
    assert "KEY: phases.tune.tasks.sst.epochs" in (finding.advice or "")
