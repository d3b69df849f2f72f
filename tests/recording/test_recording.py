"""What a recording leaves, however the script ends, and what it does to the script: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import framework
from framework.cli import main
from framework.errors import FrameworkError, UsageError
from framework.evidence.record import EVENTS, STEPS, read_lines
from framework.evidence.remembering.run_contents import changed_artefacts
from framework.evidence.store import Run, RunStore
from tests.recording.training import Script, codes, network, project, rows, verified
from tests.support.tensors import save_tensors


def runs(root: Path) -> list[Run]:
    found = RunStore(root / "runs").runs()
    return sorted(found, key=lambda run: run.record.identity["recorded"]["attempt"])


def steps(run: Run) -> list[dict[str, Any]]:
    return list(read_lines(run.folder / STEPS))


def recording(root: Path, seed: int = 1, **more: Any) -> Any:
    return framework.record(variant="dense", seed=seed, manifest=root / "experiment.yaml", **more)


def update(model: nn.Module, optimizer: Any) -> torch.Tensor:
    """One optimizer step over eight rows."""
    features, labels = rows()
    loss = nn.functional.cross_entropy(model(features[:8]), labels[:8])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss


def trainable() -> tuple[nn.Module, Any]:
    torch.manual_seed(1)
    model = network()
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2)


def test_the_training_is_the_same_to_the_bit_with_and_without(tmp_path: Path) -> None:
    project(tmp_path)
    models = [Script(epochs=3).train(tmp_path, recorded) for recorded in (False, True)]
    state = torch.random.get_rng_state()
    one, other = (model.state_dict() for model in models)
    assert all(torch.equal(one[name], other[name]) for name in one)
    Script(epochs=3).train(tmp_path, recorded=False)
    assert torch.equal(state, torch.random.get_rng_state())


def test_what_is_recorded_of_a_run(tmp_path: Path) -> None:
    project(tmp_path)
    Script().train(tmp_path)
    (run,) = runs(tmp_path)
    record, lines = run.record, steps(run)
    assert [line["step"] for line in lines] == list(range(1, 11))
    assert {line["samples"] for line in lines} == {8}
    assert [line["learning_rate"] for line in lines[:4]] == pytest.approx([0.0, 0.005, 0.01, 0.00875])
    assert all(isinstance(line["loss"], float) for line in lines)
    assert record.status == "done"
    assert record.observed["recorded"]["script"].endswith(
        ("pytest", "__main__.py", "pytest.py", "an interactive session")
    )
    assert record.observed["kinds"]["norms"] == ["1.weight", "1.bias"]
    assert record.observed["decayed"]["tensors"] == 2
    assert record.observed["optimizer"]["settings"]["amsgrad"] is False
    assert record.parameters == {"total": 74, "trainable": 74}
    assert record.environment["packages"]["torch"] == torch.__version__
    assert record.environment["hardware"]["accelerator"] == "cpu"
    assert record.data["source"] == {"path": "rows.csv"}
    assert record.attempts[0]["process"] == os.getpid()
    assert record.metrics.keys() == {"accuracy"}
    assert changed_artefacts(run) == []


def test_a_script_that_fails_leaves_a_record_that_says_so(tmp_path: Path) -> None:
    project(tmp_path)
    model, optimizer = trainable()

    def script() -> None:
        with recording(tmp_path) as run:
            run.step(optimizer, loss=update(model, optimizer), samples=8)
            raise ZeroDivisionError("a bug of the script")

    with pytest.raises(ZeroDivisionError):
        script()
    (left,) = runs(tmp_path)
    assert (left.record.status, left.record.error) == ("failed", "ZeroDivisionError: a bug of the script")
    assert len(steps(left)) == 1
    assert verified(tmp_path).finished == 0


@pytest.mark.parametrize(("code", "status"), [(0, "done"), (None, "done"), (3, "failed")])
def test_a_script_that_exits_ends_as_its_code_says(tmp_path: Path, code: int | None, status: str) -> None:
    project(tmp_path)
    with pytest.raises(SystemExit), recording(tmp_path):
        sys.exit(code)
    assert runs(tmp_path)[0].record.status == status


KILLED = """
import sys, time, torch, framework
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with framework.record(variant="dense", seed=1) as run:
    for step in range(10_000):
        model(torch.ones(1, 4)).sum().backward()
        optimizer.step()
        run.step(optimizer, samples=1)
        time.sleep(0.05)
        if step == 30:
            print("going", flush=True)
"""


def test_a_script_that_is_killed_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path)
    (tmp_path / "script.py").write_text(KILLED, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(framework.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"going\n"
    assert listed(tmp_path, capsys)[0]["status"] == "running"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (row,) = listed(tmp_path, capsys)
    assert (row["status"], f"process {child.pid}" in row["why"]) == ("cut off", True)
    assert listed(tmp_path, capsys, "--status", "running") == []
    assert len(steps(runs(tmp_path)[0])) >= 10
    assert verified(tmp_path).finished == 0


def listed(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main.run(["runs", "--manifest", str(root / "experiment.yaml"), "--format", "json", *arguments]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["runs"]
    return found


def test_no_attempt_is_overwritten_and_the_last_finished_one_counts(tmp_path: Path) -> None:
    project(tmp_path)
    Script(peak=2e-2).train(tmp_path)
    assert codes(tmp_path) == {"R110"}
    Script().train(tmp_path)
    assert codes(tmp_path) == set()
    with pytest.raises(RuntimeError), recording(tmp_path):
        raise RuntimeError
    assert codes(tmp_path) == set()
    assert [run.record.status for run in runs(tmp_path)] == ["done", "done", "failed"]
    assert len({run.record.key for run in runs(tmp_path)}) == 3


def test_a_script_that_goes_on_takes_over_the_lines_up_to_its_checkpoint(tmp_path: Path) -> None:
    project(tmp_path)
    model, optimizer = trainable()

    def interrupted() -> None:
        with recording(tmp_path) as run:
            for _ in range(7):
                run.step(optimizer, loss=update(model, optimizer), samples=8)
            run.evaluation(accuracy=0.5, step=4)
            run.evaluation(accuracy=0.6)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with recording(tmp_path, resume_from=5) as run:
        for _ in range(5):
            run.step(optimizer, loss=update(model, optimizer), samples=8)
    first, last = runs(tmp_path)
    assert [line["step"] for line in steps(first)] == list(range(1, 8))
    assert steps(last)[:5] == steps(first)[:5]
    assert [line["step"] for line in steps(last)] == list(range(1, 11))
    assert [line["step"] for line in read_lines(last.folder / EVENTS)] == [4]
    assert [attempt.get("from_step") for attempt in last.record.attempts] == [None, 5]
    assert last.record.observed["optimizer_steps"] == 10


def test_steps_that_nobody_recorded_stay_unrecorded(tmp_path: Path) -> None:
    project(tmp_path)
    model, optimizer = trainable()
    with recording(tmp_path, resume_from=8) as run:
        for _ in range(2):
            run.step(optimizer, loss=update(model, optimizer), samples=8)
    (left,) = runs(tmp_path)
    assert [line["step"] for line in steps(left)] == [9, 10]
    assert left.record.observed["optimizer_steps"] == 10


def test_checkpoints_are_recorded_by_content_and_kept_on_demand(tmp_path: Path) -> None:
    project(tmp_path)
    saved = tmp_path / "out"
    saved.mkdir()
    (saved / "config.json").write_text("{}", "utf-8")
    save_tensors(saved / "model.safetensors", {"weight": ("F32", (2,), b"\x00" * 8)})
    with recording(tmp_path) as run:
        run.checkpoint(saved)
        run.checkpoint(saved, keep=True)
    (left,) = runs(tmp_path)
    first, last = left.record.observed["checkpoints"]
    assert first == last
    assert first["path"] == "out"
    assert first["files"].keys() == {"config.json", "model.safetensors"}
    assert (left.folder / "model" / "model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()
    assert "model/model.safetensors" in left.record.artefacts


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"variant": "dens"}, "the plan has no variant 'dens' \\(dense\\)"),
        ({"seed": 5}, "the plan has no seed '5' \\(1, 2\\)"),
        ({"phase": "pretrain"}, "the plan has no phase 'pretrain'"),
        ({"resume_from": -1}, "resume_from: -1"),
    ],
)
def test_what_no_plan_has_is_refused_before_the_training(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    project(tmp_path)
    with pytest.raises(UsageError, match=message):
        framework.record(**{"variant": "dense", "seed": 1, "manifest": tmp_path, **said})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.step(object()), "object is no optimizer"),
        (lambda run: run.data(iter([1])), "list_iterator cannot be read without asking it for examples"),
        (lambda run: run.data("gone.csv"), "no file 'gone.csv'"),
        (lambda run: run.checkpoint("gone"), "nothing is at 'gone'"),
        (lambda run: run.evaluation(accuracy="high"), "could not convert"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(tmp_path: Path, call: Any, message: str) -> None:
    project(tmp_path)
    with pytest.raises((FrameworkError, TypeError, ValueError), match=message), recording(tmp_path) as run:
        call(run)


def test_outside_of_its_block_nothing_is_recorded(tmp_path: Path) -> None:
    project(tmp_path)
    run = recording(tmp_path)
    with pytest.raises(UsageError, match=r"with framework\.record"):
        run.metrics(accuracy=1.0)


def test_a_disk_that_takes_no_more_does_not_end_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path)
    model, optimizer = trainable()

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    def script() -> None:
        with recording(tmp_path) as run:
            run.step(optimizer, loss=update(model, optimizer), samples=8)
            with monkeypatch.context() as patched:
                patched.setattr("framework.recording.step_lines.os.write", full)
                run._due = 0.0
                run.step(optimizer, loss=update(model, optimizer), samples=8)
            run.step(optimizer, loss=update(model, optimizer), samples=8)

    with pytest.warns(UserWarning, match="No space left on device; the training goes on"):
        script()
    (left,) = runs(tmp_path)
    assert (left.record.status, left.record.error) == ("failed", "the recording ended: No space left on device")


def test_a_loss_that_is_no_number_is_named_and_no_bad_json(tmp_path: Path) -> None:
    project(tmp_path)
    model, optimizer = trainable()
    with recording(tmp_path) as run:
        update(model, optimizer)
        run.step(optimizer, loss=float("nan"), samples=8)
        run.evaluation(loss=float("inf"), accuracy=0.5)
    (line,) = steps(runs(tmp_path)[0])
    assert (line["not_finite"], "loss" in line) == ({"loss": "nan"}, False)
    assert runs(tmp_path)[0].record.metrics == {"accuracy": 0.5}


def test_steps_reach_the_disk_within_a_second_or_so(tmp_path: Path) -> None:
    project(tmp_path)
    model, optimizer = trainable()
    with recording(tmp_path) as run:
        run.step(optimizer, loss=update(model, optimizer), samples=8)
        time.sleep(1.05)
        run.step(optimizer, loss=update(model, optimizer), samples=8)
        assert len(list(read_lines(run.folder / STEPS))) == 1
