"""The factors of a batch, which may stand in several files of one run."""

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
hardware: {count: 8}
datasets: {text: {}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    batch_size: 256
    epochs: 5
variants:
  one: {steps: [train]}
configs:
"""
BATCH = "phases.train.batch_size"
MICRO = "  - {file: micro.yaml, describes: phases.train, keys: {mbs: batch_size.micro}}\n"
STEPS = (
    "  - {file: steps.yaml, describes: phases.train, "
    "keys: {lr: optimizer.learning_rate, acc: batch_size.accumulation}}\n"
)
LAUNCH = "  - {file: launch.yaml, describes: phases.train, keys: {gpus: batch_size.processes}}\n"


def _checked(tmp_path: Path, bindings: str, files: dict[str, str]) -> CheckResult:
    project = Project(tmp_path, MANIFEST + bindings)
    for name, text in files.items():
        project.write(name, text)
    return project.check()


def _places(result: CheckResult, code: str) -> list[str]:
    return [str(finding.location) for finding in result.findings if finding.code == code]


@pytest.mark.parametrize(
    ("micro", "steps", "gpus", "expected"),
    [
        ("8", "4", "8", True),
        ("16", "4", "4", True),
        ("8", "4", "4", False),
        ("8", "2", "8", False),
        ("4", "4", "8", False),
    ],
)
def test_the_factors_of_three_files_are_put_together(
    tmp_path: Path, micro: str, steps: str, gpus: str, expected: bool
) -> None:
    files = {
        "micro.yaml": f"mbs: {micro}\n",
        "steps.yaml": f"lr: 2e-4\nacc: {steps}\n",
        "launch.yaml": f"gpus: {gpus}\n",
    }
    result = _checked(tmp_path, MICRO + STEPS + LAUNCH, files)
    assert status_of(result, BATCH, Stage.CONFIG) is (Status.CONFORMS if expected else Status.VIOLATED)
    assert len(_places(result, "C110")) == (0 if expected else 1)


def test_a_launcher_says_how_many_processes_a_file_has(tmp_path: Path) -> None:
    both = "  - {file: a.yaml, describes: phases.train, keys: {mbs: batch_size.micro, acc: batch_size.accumulation}}\n"
    for gpus, status in (("4", Status.CONFORMS), ("8", Status.VIOLATED)):
        result = _checked(tmp_path, both + LAUNCH, {"a.yaml": "mbs: 16\nacc: 4\n", "launch.yaml": f"gpus: {gpus}\n"})
        assert status_of(result, BATCH, Stage.CONFIG) is status


def test_a_part_that_two_files_state_otherwise_is_not_known(tmp_path: Path) -> None:
    every = "".join(STEPS.replace("steps.yaml", name) for name in ("a.yaml", "b.yaml"))
    files = {"micro.yaml": "mbs: 8\n", "a.yaml": "lr: 2e-4\nacc: 4\n", "b.yaml": "lr: 2e-4\nacc: 2\n"}
    result = _checked(tmp_path, MICRO + every, files)
    looks = [look for look in result.matrix.verdicts if look.clause == BATCH and str(look.evidence).startswith("micro")]
    assert [look.status for look in looks] == [Status.UNVERIFIED]
    assert "says another" in looks[0].reason


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("per_device_train_batch_size: 8\ngradient_accumulation_steps: 4\n", Status.CONFORMS),
        ("per_device_train_batch_size: 8\n", Status.VIOLATED),  # the trainer's own default, 1
        ("per_device_train_batch_size: 8\ngradient_accumulation_steps: 2\n", Status.VIOLATED),
    ],
)
def test_the_default_of_a_file_beside_the_trainer_s_does_not_count(
    tmp_path: Path, arguments: str, status: Status
) -> None:
    bindings = (
        "  - {file: a.yaml, dialect: hf-training-arguments, describes: phases.train}\n"
        "  - {file: ds.json, dialect: deepspeed, describes: phases.train}\n"
    )
    files = {
        "a.yaml": f"output_dir: x\nlearning_rate: 2e-4\nnum_train_epochs: 5\n{arguments}deepspeed: ds.json\n",
        "ds.json": '{"train_micro_batch_size_per_gpu": 8, "zero_optimization": {"stage": 2}}\n',
    }
    result = _checked(tmp_path, bindings, files)
    assert status_of(result, BATCH, Stage.CONFIG) is status


def test_a_missing_key_of_a_factor_is_missing(tmp_path: Path) -> None:
    both = (
        "  - {file: a.yaml, describes: phases.train, REST "
        "keys: {t.mbs: batch_size.micro, t.acc: batch_size.accumulation}}\n"
    )
    files = {"a.yaml": "seed: 1\nt:\n  mbs: 32\n"}
    result = _checked(tmp_path, both.replace("REST ", ""), files)
    assert _places(result, "C102") == ["a.yaml:2:1"]
    assert status_of(result, BATCH, Stage.CONFIG) is Status.VIOLATED
    result = _checked(
        tmp_path, both.replace("REST", "required: false,") + STEPS, {**files, "steps.yaml": "lr: 2e-4\nacc: 4\n"}
    )
    assert _places(result, "C102") == []
    assert status_of(result, BATCH, Stage.CONFIG) is Status.UNVERIFIED


@pytest.mark.parametrize("dialect", ["", "dialect: generic, "])
def test_two_keys_of_one_factor_are_both_held(tmp_path: Path, dialect: str) -> None:
    binding = (
        f"  - {{file: a.yaml, {dialect}describes: phases.train, "
        "keys: {mbs: batch_size.micro, per_device_train_batch_size: batch_size.micro, acc: batch_size.accumulation}}\n"
    )
    result = _checked(tmp_path, binding, {"a.yaml": "mbs: 16\nper_device_train_batch_size: 8\nacc: 2\n"})
    assert _places(result, "C110") == ["a.yaml:2:30"]
    assert status_of(result, BATCH, Stage.CONFIG) is Status.VIOLATED


def test_a_key_of_a_factor_silences_no_other_of_its_name(tmp_path: Path) -> None:
    binding = (
        "  - {file: a.yaml, dialect: generic, describes: phases.train, "
        "keys: {mbs: batch_size.micro, acc: batch_size.accumulation}}\n"
    )
    result = _checked(tmp_path, binding, {"a.yaml": "mbs: 16\nmicro_batch_size: 8\nacc: 2\n"})
    assert _places(result, "C110") or _places(result, "C105")
    assert status_of(result, BATCH, Stage.CONFIG) is Status.VIOLATED
