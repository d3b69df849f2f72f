"""Optimize, then evaluate, then compare: the whole way, killed once in each part and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.evidence.store import RunStore
from framework.manifest.searched.value_sets import named
from framework.searching.optimum import read_optima
from framework.searching.studies import studies_of
from framework.searching.trials import read_study
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: Two methods at their best}
hardware: {accelerator: cpu}
models:
  tiny: {family: mamba, weights: random, layers: 1, hidden: 16, state: 4, vocabulary: 256, tokenizer: bytes}
datasets:
  topics: {builtin: reference-topics, labels: 2, limit: 24, validation_limit: 16}
phases:
  tune:
    objective: classification
    tasks: {topics: {metric: accuracy}}
    optimizer: {name: adamw}
    batch_size: 8
    epochs: 2
    sequence_length: 32
variants:
  full: {steps: [tune]}
  lora: {steps: [{tune: {adapter: {lora: {rank: 2, alpha: 4, targets: [in_proj]}}}}]}
seeds: [1]
searches:
  full:
    phase: tune
    variants: [full]
    space: {optimizer.learning_rate: {low: 1e-4, high: 1e-1, scale: log}}
    sampler: {name: tpe, startup_trials: 2}
    budget: {completed_trials: 3}
    objective: accuracy
    seeds: [100]
  lora:
    phase: tune
    variants: [lora]
    space: {optimizer.learning_rate: {low: 1e-4, high: 1e-1, scale: log}}
    sampler: {name: tpe, startup_trials: 2}
    budget: {completed_trials: 3}
    objective: accuracy
    seeds: [100]
configs: [{file: configs/pretrain.yaml, describes: phases.tune, keys: {epochs: epochs}}]
"""


def killed_when(project: Project, seen: Callable[[], bool], *arguments: str) -> None:
    """Start a command, and end it with SIGKILL as soon as something is seen."""
    command = [sys.executable, "-m", "framework", *arguments]
    with subprocess.Popen(command, cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 240
        while not seen() and process.poll() is None:
            assert time.monotonic() < deadline, "nothing was seen"
            time.sleep(0.01)
        assert process.poll() is None, "it ended by itself"
        process.send_signal(signal.SIGKILL)


def finished(project: Project, *arguments: str) -> str:
    command = [sys.executable, "-m", "framework", *arguments]
    environment = {**os.environ, "FRAMEWORK_CACHE_DIR": str(project.path(".cache"))}
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_search_choice_and_production_are_gone_on_with_after_a_kill(tmp_path: Path) -> None:
    project = Project(tmp_path, MANIFEST, "epochs: 2\n")
    store = RunStore(project.root / "runs")

    def done() -> int:
        return sum(run.record.status == "done" for run in store.readable())

    killed_when(project, lambda: done() >= 2, "sweep", "--jobs", "2")
    before = {study.name: read_study(study.path(project.root)) for study in studies_of(project.load())}
    begun = {name: [trial.point for trial in stored.trials] for name, stored in before.items() if stored}
    killed_when(project, lambda: done() >= 7, "reproduce", "--all", "--jobs", "2")
    finished(project, "reproduce", "--all", "--jobs", "2")
    for study in studies_of(project.load()):
        stored = read_study(study.path(project.root))
        assert stored is not None
        assert [trial.state for trial in stored.trials] == ["completed"] * 3
        points = [trial.point for trial in stored.trials]
        assert points[: len(begun.get(study.name, []))] == begun.get(study.name, [])
        assert len({named(point) for point in points}) == 3
    assert done() == 8
    optima = {each.entry["variant"]: each.values for each in read_optima(project.path("optimal_hyperparameters.yaml"))}
    for step in project.plan().steps:
        run = store.done(step.key)
        assert run is not None
        used = run.record.observed["optimizer"]["learning_rate"]
        assert used == optima[step.variant]["optimizer.learning_rate"]
    codes = {finding.code for finding in project.verify().findings}
    assert not codes & {"R150", "R151", "R152", "R153", "R155", "R159", "R161"}
