"""The largest micro-batch that fits, by trial: which sizes are tried, how each ends, and the knob that comes of it."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from framework.errors import FrameworkError, InputError
from framework.evidence.store import RunStore
from framework.planning.steps import Step, Training
from framework.planning.tuned.found_batch_sizes import FILE
from runners.finding import batch_size
from runners.finding.batch_size import Tried, find, largest, sizes
from runners.step_context import Trial
from tests.support.commands import process
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A batch that fits}
hardware: {accelerator: cpu, memory_gb: 64}
models:
  tiny:
    {family: gpt, weights: random, layers: 1, hidden: 32, heads: 2, positions: 64, vocabulary: 256, tokenizer: bytes}
datasets:
  manual: {builtin: language-reference, limit: 64, validation_limit: 8}
phases:
  train:
    objective: causal_lm
    dataset: manual
    optimizer: {name: adamw, learning_rate: 3e-4 * batch_size / 64}
    batch_size: 32
    epochs: 1
    sequence_length: 64
variants: {base: {steps: [train]}}
seeds: [1, 2]
configs:
  - {file: configs/pretrain.yaml, describes: phases.train, keys: {epochs: epochs}, knobs: {micro: micro_batch_size}}
"""
GIGABYTE = 10**9


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST, "epochs: 1\n")


def step_of(project: Project, batch: int = 32) -> Step:
    project.write("experiment.yaml", MANIFEST.replace("batch_size: 32", f"batch_size: {batch}"))
    return project.plan().steps[0]


@pytest.mark.parametrize("share", [1, 2, 7, 12, 32, 36, 60, 64, 97, 100, 256])
def test_the_largest_that_fits_is_found_whatever_the_bound_and_in_few_trials(share: int) -> None:
    candidates = sizes(share)
    assert all(share % size == 0 for size in candidates)
    for bound in range(share + 2):
        tried = largest(candidates, lambda size, bound=bound: Tried(size, size <= bound, None, 0.0, ""))  # type: ignore[misc]
        fitting = [each.micro_batch_size for each in tried if each.fits]
        assert max(fitting, default=0) == max((size for size in candidates if size <= bound), default=0)
        assert len({each.micro_batch_size for each in tried}) == len(tried)
        assert len(tried) <= 2 * math.log2(len(candidates) + 1) + 1


Work = Callable[[Step, int], None]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Puts other work in the place of a training."""

    def put(work: Work) -> None:
        def instead(step: Step, store: Any, project: Any, folder: Path, trial: Trial) -> None:
            assert isinstance(step.work, Training)
            trial.ready()
            assert step.knobs.micro_batch_size is not None
            work(step, step.knobs.micro_batch_size)

        monkeypatch.setattr(batch_size, "tried", instead)
        monkeypatch.setattr(batch_size, "imported", lambda steps: None)

    return put


def found(project: Project, bound: int, batch: int = 32) -> dict[int, Tried]:
    trials = find(step_of(project, batch), RunStore(project.root / "runs"), project.root, 1, bound, lambda trial: None)
    return {each.micro_batch_size: each for each in trials}


def take(gigabytes: float) -> None:
    memory = bytearray(int(gigabytes * GIGABYTE))
    memory[::4096] = b"\1" * len(memory[::4096])


def test_a_size_is_measured_by_the_peak_of_its_own_process(project: Project, tried: Callable[[Work], None]) -> None:
    tried(lambda step, size: None)
    own = found(project, 64 * GIGABYTE)[32].peak  # of a child that takes nothing
    assert own is not None
    tried(lambda step, size: take(0.01 * size))
    trials = found(project, own + GIGABYTE // 5)
    assert max(size for size, each in trials.items() if each.fits) == 16
    peak = trials[16].peak
    assert peak is not None
    assert peak > 0.16 * GIGABYTE
    assert "above" in trials[32].why


def no_memory(kind: str) -> Work:
    def work(step: Step, size: int) -> None:
        if size <= 4:
            return
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise {
            "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
            "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:128] DefaultCPUAllocator: can't allocate memory"),
            "python": MemoryError(),
        }[kind]

    return work


@pytest.mark.parametrize("kind", ["cuda", "cpu", "python", "killed"])
def test_a_trial_that_runs_out_of_memory_is_recovered_from(
    project: Project, tried: Callable[[Work], None], kind: str
) -> None:
    tried(no_memory(kind))
    trials = found(project, 1000 * GIGABYTE)
    assert max(size for size, each in trials.items() if each.fits) == 4
    assert "out of memory" in next(each.why for size, each in trials.items() if size > 4)


def test_what_fails_for_another_reason_is_not_taken_for_memory(project: Project, tried: Callable[[Work], None]) -> None:
    def broken(step: Step, size: int) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    tried(broken)
    with pytest.raises(FrameworkError, match="failed, and not for memory: RuntimeError: mat1 and mat2"):
        found(project, 1000 * GIGABYTE)


def test_a_child_above_the_bound_is_ended_before_it_takes_the_machine(
    project: Project, tried: Callable[[Work], None]
) -> None:
    def endless(step: Step, size: int) -> None:
        kept = []
        while True:
            kept.append(bytearray(b"\1" * 10_000_000))

    tried(endless)
    own = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with pytest.raises(FrameworkError, match="not even a micro-batch of 1 fits: ended at"):
        found(project, own + GIGABYTE // 5)


def test_a_trial_accumulates_where_the_batch_has_several_micro_batches(project: Project) -> None:
    short = batch_size._short(step_of(project), 4, 32)
    assert isinstance(short.work, Training)
    assert (short.work.recipe.batch_size, short.work.recipe.max_steps, short.work.recipe.epochs) == (8, 2, None)
    whole = batch_size._short(step_of(project), 32, 32)
    assert isinstance(whole.work, Training)
    assert whole.work.recipe.batch_size == 32


@pytest.mark.slow
def test_the_answer_is_a_knob_of_the_runs_with_the_evidence_of_how_it_was_found(project: Project) -> None:
    refused = process(project.root, "find", "batch-size", "--memory-gb", "0.05")
    assert refused.returncode == 1
    assert "not even a micro-batch of 1 fits" in refused.stderr
    assert not project.path(FILE).exists()
    done = process(project.root, "find", "batch-size", "--format", "json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["found"]
    assert (entry["micro_batch_size"], entry["accumulation"], entry["batch_size"]) == (32, 1, 32)
    assert entry["bound"]["from"].startswith(("hardware.memory_gb", "the memory that is available now"))
    assert all(each["fits"] and each["peak"] > 10**7 and each["seconds"] > 0 for each in entry["trials"])
    assert not project.path("runs").exists() or not list(project.path("runs").glob("*/record.json"))
    assert {step.knobs.micro_batch_size for step in project.plan().steps} == {32}


def entry_in(project: Project, **changes: Any) -> None:
    from framework.planning.machines.machine import machine
    from framework.planning.tuned.found_batch_sizes import basis_of, write_found

    step = project.plan().steps[0]
    entry = {"variant": "base", "step": "train", "micro_batch_size": 16, "basis": basis_of(step.identity)}
    write_found(project.root, [{**entry, "machine": machine(), **changes}])


def knob(project: Project) -> set[int | None]:
    return {step.knobs.micro_batch_size for step in project.plan().steps}


def test_a_found_size_is_taken_by_the_step_and_machine_that_it_was_found_for(project: Project) -> None:
    keys = [step.key for step in project.plan().steps]
    entry_in(project)
    assert knob(project) == {16}
    assert [step.key for step in project.plan().steps] == keys, "no result depends on it"
    entry_in(project, machine={"cores": 4096})
    assert knob(project) == {None}
    entry_in(project)
    project.write("configs/pretrain.yaml", "epochs: 1\nmicro: 8\n")
    assert knob(project) == {8}, "what a config file states goes first"
    project.write("configs/pretrain.yaml", "epochs: 1\n")
    project.write("experiment.yaml", MANIFEST.replace("hidden: 32", "hidden: 64"))
    assert knob(project) == {None}


@pytest.mark.parametrize(
    "text", ["[]", "format: 1\nfound: [{micro_batch_size: true, basis: x}]", "format: 1\nfound: [3]"]
)
def test_a_file_that_is_none_of_ours_is_refused_at_its_place(project: Project, text: str) -> None:
    project.write(FILE, text)
    with pytest.raises(InputError, match=FILE):
        project.plan()


def test_the_scaling_rule_follows_the_batch(project: Project) -> None:
    for rule, batch, rate in (
        ("3e-4 * batch_size / 64", 32, 1.5e-4),
        ("3e-4 * batch_size / 64", 128, 6e-4),
        ("3e-4 * sqrt(batch_size / 64)", 256, 6e-4),
    ):
        text = MANIFEST.replace("batch_size: 32", f"batch_size: {batch}")
        project.write("experiment.yaml", text.replace("3e-4 * batch_size / 64", rule))
        step = project.plan().steps[0]
        assert isinstance(step.work, Training)
        assert step.work.recipe.optimizer.learning_rate == pytest.approx(rate)
        assert step.identity["does"]["phase"]["optimizer"]["learning_rate"] == pytest.approx(rate)
        assert yaml.safe_load(json.dumps(replace(step).identity["does"]["phase"]["batch_size"])) == batch
