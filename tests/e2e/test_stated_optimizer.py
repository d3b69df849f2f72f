"""A training with habits of its own, as a user runs it: SGD with Nesterov's momentum, milestones, groups, a warmup in
epochs. `framework verify` holds all of it to the run, and finds a trace that was changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.evidence.record import RunRecord, artefacts_below

pytestmark = pytest.mark.slow

MANIFEST = """\
version: 1
paper: {title: A study with habits}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 32, heads: 2, vocabulary: 256, tokenizer: bytes}
datasets:
  text: {builtin: language-reference, limit: 96, validation_limit: 16, train_examples: 96}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer:
      name: sgd
      learning_rate: 0.1
      momentum: 0.9
      nesterov: true
      weight_decay: 5e-4
      groups:
        - {parameters: [norms, biases], weight_decay: 0.0}
        - {parameters: [embeddings], learning_rate: 0.02}
    schedule:
      name: milestones
      milestones: [2 epochs, 75%]
      gamma: 0.1
      warmup: {epochs: 1, from: 1e-6}
    batch_size: 12
    epochs: 4
    sequence_length: 64
variants:
  habitual: {steps: [pretrain]}
seeds: [11]
configs:
  - {file: train.yaml, describes: phases.pretrain, keys: {lr: optimizer.learning_rate, momentum: optimizer.momentum}}
"""
HELD = (
    "optimizer.name",
    "optimizer.learning_rate",
    "optimizer.momentum",
    "optimizer.nesterov",
    "optimizer.weight_decay",
    "optimizer.groups[0].parameters",
    "optimizer.groups[0].weight_decay",
    "optimizer.groups[1].parameters",
    "optimizer.groups[1].learning_rate",
    "schedule.name",
    "schedule.milestones",
    "schedule.gamma",
    "schedule.warmup.epochs",
    "schedule.warmup.from",
)


def framework(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "FRAMEWORK_CACHE_DIR": str(folder / ".cache")}
    command = [sys.executable, "-m", "framework", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("habits") / "project"
    folder.mkdir()
    (folder / "experiment.yaml").write_text(MANIFEST)
    (folder / "train.yaml").write_text("lr: 0.1\nmomentum: 0.9\n")
    done = framework(folder, "run", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def verified(folder: Path) -> dict[str, Any]:
    done = framework(folder, "verify", "--format", "json")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def the_run(folder: Path) -> Path:
    (run,) = (path.parent for path in (folder / "runs").glob("*/record.json"))
    return run


def statuses(report: dict[str, Any]) -> dict[str, str]:
    """The run stage's status of each clause of the phase."""
    rows = {row["clause"]: row["status"] for row in report["verdicts"] if row["stage"] == "run"}
    return {name: rows[f"phases.pretrain.{name}"] for name in HELD}


def test_the_run_is_what_the_manifest_says(trained: Path) -> None:
    report = verified(trained)
    assert report["findings"] == []
    assert statuses(report) == dict.fromkeys(HELD, "conforms")


def test_the_trace_is_the_schedule_by_hand(trained: Path) -> None:
    lines = [json.loads(line) for line in (the_run(trained) / "steps.jsonl").read_text().splitlines()]
    rates = [line["learning_rate"] for line in lines]
    rise = [1e-6 + (0.1 - 1e-6) * step / 8 for step in range(8)]  # 96 examples in batches of 12: 8 steps an epoch
    assert rates == pytest.approx(rise + [0.1] * 8 + [0.01] * 8 + [0.001] * 8)
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.5


def test_the_record_says_what_the_optimizer_got(trained: Path) -> None:
    optimizer = RunRecord.read(the_run(trained)).observed["optimizer"]
    groups = [
        (each["group"], each["tensors"], each["learning_rate"], each["weight_decay"]) for each in optimizer["groups"]
    ]
    assert groups == [(None, 8, 0.1, 5e-4), (1, 2, 0.02, 5e-4), (0, 18, 0.1, 0.0)]
    assert (optimizer["class"], optimizer["momentum"], optimizer["nesterov"]) == ("SGD", 0.9, True)


def sealed(run: Path, change: Callable[[RunRecord], object]) -> None:
    """Change a run's record, and state its files as they are then: as who wants it to pass would do."""
    record = RunRecord.read(run)
    change(record)
    record.artefacts = artefacts_below(run, *(name for name in ("steps.jsonl", "events.jsonl", "model")))
    record.write(run)


def test_a_changed_trace_is_found(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(trained, folder)
    path = the_run(folder) / "steps.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[16]["learning_rate"] = 0.1  # one step later than the milestone
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    sealed(the_run(folder), lambda record: None)
    report = verified(folder)
    assert {finding["code"] for finding in report["findings"]} == {"R110"}
    assert all("step 17 of 32 used 0.1, not 0.01" in finding["message"] for finding in report["findings"])
    assert "violated" in statuses(report).values(), statuses(report)


def test_decayed_norms_are_found(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "decayed"
    shutil.copytree(trained, folder)
    sealed(the_run(folder), lambda record: record.observed["optimizer"]["groups"][2].update(weight_decay=5e-4))
    report = verified(folder)
    assert [(finding["code"], finding["clause"]) for finding in report["findings"]] == [
        ("R120", "phases.pretrain.optimizer.groups[0].weight_decay")
    ]
