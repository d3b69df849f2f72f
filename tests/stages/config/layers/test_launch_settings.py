"""accelerate's launch settings and the Trainer's arguments state one precision together."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.stages.check import CheckResult
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
phases:
  p:
    optimizer: {name: adamw, learning_rate: 2e-4}
    precision: bf16
configs:
  - {file: train.yaml, dialect: hf-training-arguments, describes: phases.p}
  - {file: acc.yaml, dialect: accelerate, describes: phases.p}
"""


def held(folder: Path, arguments: str, launch: str) -> CheckResult:
    made = Project(folder, MANIFEST)
    made.path("configs/pretrain.yaml").unlink()
    made.write("train.yaml", f"output_dir: x\nlearning_rate: 0.0002\nnum_train_epochs: 3\n{arguments}\n")
    made.write("acc.yaml", f"compute_environment: LOCAL_MACHINE\nnum_machines: 1\nmixed_precision: {launch}\n")
    return made.check()


def errors(result: CheckResult) -> list[str]:
    return [each.location.file for each in result.findings if each.code == "C101" and each.location]


@pytest.mark.parametrize(
    ("arguments", "launch"),
    [("bf16: true", "fp16"), ("bf16: false", "bf16"), ("bf16: true", "bf16"), ("bf16: true", "'no'")],
)
def test_one_that_gives_way_is_no_drift(tmp_path: Path, arguments: str, launch: str) -> None:
    assert errors(held(tmp_path, arguments, launch)) == []


@pytest.mark.parametrize(
    ("arguments", "launch", "file"),
    [("fp16: true", "bf16", "train.yaml"), ("fp16: true", "fp16", "train.yaml"), ("bf16: false", "no", "train.yaml")],
)
def test_the_one_that_counts_is_drift(tmp_path: Path, arguments: str, launch: str, file: str) -> None:
    result = held(tmp_path, arguments, launch)
    assert file in errors(result), [each.message for each in result.findings]


@pytest.mark.parametrize("launched", [False, True], ids=["accelerate's file", "a flag of the launch"])
def test_switches_that_are_off_leave_it_to_the_launch(tmp_path: Path, launched: bool) -> None:
    """The error stands at the launch, and names the switch that leaves the precision to it."""
    result = held(tmp_path, "bf16: false", "fp16")
    if launched:
        made = Project(tmp_path, MANIFEST.replace("acc.yaml, dialect: accelerate", "run.sh, dialect: trl"))
        made.path("configs/pretrain.yaml").unlink()
        made.write("run.sh", "accelerate launch --mixed_precision fp16 train.py train.yaml\n")
        result = made.check()
    (finding,) = [each for each in result.findings if each.code in ("C101", "C109")]
    assert finding.code == "C101"
    assert finding.location is not None
    assert finding.location.file == ("run.sh" if launched else "acc.yaml")
    assert "train.yaml:4:7" in finding.message


def test_a_launch_of_the_script_settles_it_for_a_switch_that_is_off(tmp_path: Path) -> None:
    held(tmp_path, "bf16: false", "fp16")
    made = Project(tmp_path, MANIFEST.replace("acc.yaml, dialect: accelerate", "run.sh, dialect: trl"))
    made.path("configs/pretrain.yaml").unlink()
    made.write("run.sh", "accelerate launch --mixed_precision bf16 train.py train.yaml\n")
    assert [each.message for each in made.check().findings if each.code in ("C101", "C109")] == []
