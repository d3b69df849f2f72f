"""Several processes that train together leave one record: the first writes, and adds up what the others counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import framework
from framework.errors import UsageError
from framework.evidence.record import STEPS, read_lines
from framework.evidence.store import Run, RunStore
from framework.recording import process_group
from tests.recording.training import project


def run_of(root: Path) -> Run:
    (run,) = RunStore(root / "runs").runs()
    return run


def one_process(
    root: Path, monkeypatch: pytest.MonkeyPatch, rank: int, samples: list[int], size: int = 2, port: str = "1"
) -> Any:
    """What one process does, as its launcher started it."""
    for name, value in {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "here", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with framework.record(variant="dense", seed=1, manifest=root) as run:
        for count in samples:
            model(torch.ones(1, 4)).sum().backward()
            optimizer.step()
            run.step(optimizer, samples=count, tokens=10 * count)
        run.evaluation(accuracy=rank)
    return run


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_group, "_PATIENCE", 0.1)


def test_one_record_with_the_samples_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path)
    one_process(tmp_path, monkeypatch, 2, [2, 2, 3], size=3)
    one_process(tmp_path, monkeypatch, 1, [3, 3, 3], size=3)
    one_process(tmp_path, monkeypatch, 0, [4, 4, 1], size=3)
    run = run_of(tmp_path)
    lines = list(read_lines(run.folder / STEPS))
    assert [(line["samples"], line["tokens"]) for line in lines] == [(9, 90), (9, 90), (7, 70)]
    assert run.record.observed["processes"] == 3
    assert "unheard" not in run.record.observed
    assert run.record.metrics == {"accuracy": 0.0}
    assert not list((tmp_path / "runs" / process_group.FOLDER).iterdir())


def test_of_processes_that_are_not_heard_of_the_sum_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path)
    one_process(tmp_path, monkeypatch, 1, [4], size=3)
    one_process(tmp_path, monkeypatch, 0, [4, 4], size=3)
    run = run_of(tmp_path)
    lines = list(read_lines(run.folder / STEPS))
    assert [line["step"] for line in lines] == [1, 2]
    assert not any("samples" in line or "tokens" in line for line in lines)
    assert run.record.observed["unheard"] == [2]


def test_what_an_earlier_start_left_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path)
    one_process(tmp_path, monkeypatch, 1, [4, 4], port="1")
    one_process(tmp_path, monkeypatch, 0, [4, 4], port="2")
    assert run_of(tmp_path).record.observed["unheard"] == [1]


def test_a_process_that_is_one_of_several_only_later_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def script() -> None:
        with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
            monkeypatch.setenv("RANK", "1")
            monkeypatch.setenv("WORLD_SIZE", "2")
            model(torch.ones(1, 4)).sum().backward()
            optimizer.step()
            run.step(optimizer, samples=1)

    with pytest.raises(UsageError, match="this process is number 1 of 2, and was 0 of 1"):
        script()
    assert run_of(tmp_path).record.status == "failed"


TOGETHER = """
import torch, framework
torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
torch.manual_seed(1)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
with framework.record(variant="dense", seed=1) as run:
    run.watch(model)
    for step in range(6):
        model(torch.ones(rank + 2, 4)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        run.step(optimizer, samples=rank + 2)
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_of_torchrun(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "script.py").write_text(TOGETHER, "utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "script.py"]
    environment = {**os.environ, "PYTHONPATH": str(Path(framework.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        launch, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    run = run_of(tmp_path)
    assert [line["samples"] for line in read_lines(run.folder / STEPS)] == [5] * 6
    assert run.record.observed["optimizer"]["groups"][0]["names"] == ["weight", "bias"]
    assert run.record.observed["processes"] == 2
