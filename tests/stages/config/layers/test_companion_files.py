"""A DeepSpeed JSON that a bound training names counts, whether or not a binding names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Severity
from framework.stages.check import CheckResult
from tests.support.held import STUDY
from tests.support.held import held as held_to

MANIFEST = (
    STUDY
    + """\
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 5e-5}
    schedule: {name: cosine, warmup: 100 steps}
    batch_size: 8
    epochs: 3
variants: {plain: {steps: [train]}}
"""
)
CONSTANT = '{"scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": "auto", "warmup_max_lr": "auto"}}}\n'
YAML = "learning_rate: 5.0e-5\nlr_scheduler_type: cosine\nwarmup_steps: 100\nnum_train_epochs: 3\n"
FLAGS = "--learning_rate 5e-5 --lr_scheduler_type cosine --warmup_steps 100 --num_train_epochs 3"


def held(root: Path, files: dict[str, str], bound: str = "train.yaml", more: str = "") -> CheckResult:
    binding = f"  - {{file: {bound}, dialect: hf-training-arguments, describes: phases.train}}\n{more}"
    return held_to(root, f"{MANIFEST}configs:\n{binding}", files)


def drifts(result: CheckResult) -> list[str]:
    errors = [each for each in result.findings if each.severity is Severity.ERROR]
    return [Path(each.location.file).name for each in errors if each.location and each.clause and "name" in each.clause]


@pytest.mark.parametrize(
    ("bound", "text", "companion"),
    [
        ("train.yaml", f"{YAML}deepspeed: ds.json\n", "ds.json"),
        ("train.yaml", f"{YAML}deepspeed: configs/ds.json\n", "configs/ds.json"),
        ("runs/train.yaml", f"{YAML}deepspeed: ds.json\n", "runs/ds.json"),
        ("run.sh", f"deepspeed t.py {FLAGS} --deepspeed ds.json\n", "ds.json"),
    ],
)
def test_a_companion_is_held_though_nothing_binds_it(tmp_path: Path, bound: str, text: str, companion: str) -> None:
    result = held(tmp_path, {bound: text, companion: CONSTANT}, bound)
    assert drifts(result) == ["ds.json"]
    assert any(name.endswith(companion) for name in result.files)


def test_a_companion_that_is_bound_is_held_once(tmp_path: Path) -> None:
    more = "  - {file: ds.json, dialect: deepspeed, describes: phases.train}\n"
    result = held(tmp_path, {"train.yaml": f"{YAML}deepspeed: ds.json\n", "ds.json": CONSTANT}, more=more)
    assert drifts(result) == ["ds.json"]
    assert len(result.files) == 2


def test_several_files_may_name_one_companion(tmp_path: Path) -> None:
    named = f"{YAML}deepspeed: ds.json\n"
    result = held(tmp_path, {"a/one.yaml": named, "a/two.yaml": named, "ds.json": CONSTANT}, '"a/*.yaml"')
    assert drifts(result) == ["ds.json"]
    assert len(result.files) == 3


@pytest.mark.parametrize("word", ["missing.json", "auto", "null", "{zero_optimization: {stage: 2}}", "../outside.json"])
def test_what_is_no_file_of_the_project_adds_none(tmp_path: Path, word: str) -> None:
    (tmp_path / "outside.json").write_text(CONSTANT)
    root = tmp_path / "project"
    root.mkdir()
    result = held(root, {"train.yaml": f"{YAML}deepspeed: {word}\n"})
    assert len(result.files) == 1
    assert drifts(result) == []
