"""What becomes a line of `steps.jsonl`: updates that happened, with the rates that they used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import framework
from framework.evidence.record import EVENTS, STEPS, read_lines
from framework.evidence.store import RunStore
from framework.recording.optimizer_watch import OptimizerWatch
from framework.recording.steps_taken import StepsTaken
from tests.recording.training import network, project, rows, verified


class Told:
    """Steps as a script tells them, and their lines."""

    def __init__(self, *optimizers: Any):
        self.watch = OptimizerWatch({})
        self.steps = StepsTaken(self.watch)
        self.lines: list[dict[str, Any]] = []
        self.optimizers = list(optimizers)
        self.watch.begin()

    def step(self, optimizer: Any = None, samples: int | None = 4, scaler: Any = None, **more: Any) -> None:
        told = {"tokens": None, "loss": None, "step": None, **more}
        self.steps.told(optimizer, samples, told["tokens"], told["loss"], scaler is not None, told["step"])
        self.lines += self.steps.settle()


@pytest.fixture
def told() -> Any:
    made = Told()
    yield made
    made.watch.end()


def model(*sizes: int) -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(size)) for size in sizes or (2,)]


def backward(*parameters: nn.Parameter) -> None:
    sum(each.sum() for each in parameters).backward()  # type: ignore[union-attr]


def test_the_rates_are_those_that_the_update_used_wherever_the_scheduler_is_stepped(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        backward(weight)
        optimizer.step()
        schedule.step()
        told.step(optimizer)
    assert [line["learning_rate"] for line in told.lines] == [1.0, 0.5, 0.25]


def test_all_groups_have_their_rates_where_they_differ(told: Told) -> None:
    one, other = model(2, 3)
    optimizer = torch.optim.SGD([{"params": [one]}, {"params": [other], "lr": 0.1}], lr=1.0)
    backward(one, other)
    optimizer.step()
    told.step(optimizer)
    optimizer.param_groups[1]["lr"] = 1.0
    optimizer.step()
    told.step(optimizer)
    assert told.lines[0] == {"step": 1, "learning_rate": 1.0, "learning_rates": [1.0, 0.1], "samples": 4}
    assert told.lines[1] == {"step": 2, "learning_rate": 1.0, "samples": 4}


def test_calls_for_micro_batches_are_one_step(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    for number in range(1, 7):
        backward(weight)
        if number % 3 == 0:
            optimizer.step()
            optimizer.zero_grad()
        told.step(optimizer, samples=number, loss=1.0)
    assert [(line["step"], line["samples"]) for line in told.lines] == [(1, 6), (2, 15)]
    assert not any("loss" in line for line in told.lines)


def test_two_optimizers_that_take_turns(told: Told) -> None:
    one, other = model(2, 3)
    every, third = torch.optim.SGD([one], lr=1.0), torch.optim.Adam([other], lr=0.1)
    for number in range(1, 4):
        backward(one, other)
        every.step()
        if number == 3:
            third.step()
        told.step([every, third])
    assert [line.get("learning_rates") for line in told.lines] == [[1.0, None], [1.0, None], [1.0, 0.1]]
    assert [line["step"] for line in told.lines] == [1, 2, 3]


def test_an_optimizer_that_nobody_names_is_seen(told: Told) -> None:
    one, other = model(2, 3)
    named, hidden = torch.optim.SGD([one], lr=1.0), torch.optim.Adam([other], lr=0.1)
    backward(one, other)
    hidden.step()
    named.step()
    told.step(named)
    assert told.lines == [{"step": 1, "learning_rate": 1.0, "learning_rates": [0.1, 1.0], "samples": 4}]
    assert [facts.kind for facts in told.watch.facts] == ["Adam", "SGD"]


class Scaler:
    """As torch's GradScaler: an optimizer steps where the gradients are finite."""

    def __init__(self, *skipped: int):
        self.skipped, self.number = skipped, 0

    def step(self, optimizer: Any) -> None:
        self.number += 1
        if self.number not in self.skipped:
            optimizer.step()


def test_an_update_that_a_scaler_skips_is_no_update(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer, scaler = torch.optim.SGD(parameters, lr=1.0), Scaler(1, 3)
    for _ in range(4):
        backward(weight)
        scaler.step(optimizer)
        told.step(optimizer, scaler=scaler)
    assert [line.get("skipped") for line in told.lines] == [1, None, 1, None]
    assert [line["samples"] for line in told.lines] == [4, 4, 4, 4]


def test_torchs_own_scaler_and_a_fused_optimizer(tmp_path: Path) -> None:
    """A fused optimizer is given the overflow, and skips by itself (`torch/amp/grad_scaler.py`)."""
    project(tmp_path)
    (weight,) = parameters = model()
    optimizer = torch.optim.AdamW(parameters, lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        for number in range(3):
            loss = weight.sum() * (float("inf") if number == 1 else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            run.step(optimizer, scaler=scaler, samples=4)
    (left,) = RunStore(tmp_path / "runs").runs()
    assert [line.get("skipped") for line in read_lines(left.folder / STEPS)] == [None, 1, None]
    assert left.record.observed["updates_skipped"] == 1


@pytest.mark.parametrize("counts_updates", [True, False])
def test_a_schedule_may_count_skipped_updates_or_not(tmp_path: Path, counts_updates: bool) -> None:
    project(tmp_path, max_grad_norm=None, optimizer={"name": "sgd", "learning_rate": 1e-2})
    features, labels = rows()
    net = network()
    optimizer, scaler = torch.optim.SGD(net.parameters(), lr=1e-2), Scaler(1, 4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: s / 2 if s < 2 else (10 - s) / 8)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        run.watch(net)
        for number in range(10):
            nn.functional.cross_entropy(net(features[:8]), labels[:8]).backward()
            scaler.step(optimizer)
            if counts_updates is False or number + 1 not in scaler.skipped:
                schedule.step()
            run.step(optimizer, scaler=scaler, samples=8)
    found = {finding.code for finding in verified(tmp_path).findings}
    assert "R110" not in found
    clause = "phases.train.schedule.warmup.steps"
    reasons = [each.reason for each in verified(tmp_path).matrix.verdicts if each.clause == clause]
    assert any("2 were skipped" in reason for reason in reasons) == counts_updates


def test_an_evaluation_before_the_call_takes_no_step_away(tmp_path: Path) -> None:
    project(tmp_path)
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        for _ in range(3):
            backward(weight)
            optimizer.step()
            run.evaluation(accuracy=0.5)
            run.step(optimizer, samples=4)
    assert [line["samples"] for line in read_lines(run.folder / STEPS)] == [4, 4, 4]


def test_a_step_without_gradients_is_none(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    optimizer.step()  # as people do before a scheduler, to silence its warning
    backward(weight)
    optimizer.step()
    told.step(optimizer)
    assert [line["step"] for line in told.lines] == [1]


def test_a_closure_computes_its_gradients_in_the_step(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = weight.sum()
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
        told.step(optimizer)
    assert len(told.lines) == 2


def test_several_updates_of_one_call_leave_their_samples_open(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    backward(weight)
    for _ in range(3):
        optimizer.step()
    told.step(optimizer, samples=12, step=30)
    assert [line["step"] for line in told.lines] == [28, 29, 30]
    assert not any("samples" in line for line in told.lines)


def test_a_compiled_step_stays_as_it_is_and_is_one_where_it_is_said(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=torch.tensor(1.0))

    @torch.compile(backend="eager")
    def compiled() -> None:
        optimizer.step()

    for number in (1, 2):
        backward(weight)
        compiled()
        told.step(optimizer, step=number)
    assert told.lines == [{"step": 1, "samples": 4}, {"step": 2, "samples": 4}]
    assert torch.equal(weight, torch.tensor([-2.0, -2.0]))


class Foreign:
    """An optimizer of another library: groups, and no hook."""

    def __init__(self) -> None:
        self.param_groups = [{"params": model(), "lr": 0.3, "weight_decay": 0.1}]


def test_of_an_optimizer_without_a_hook_the_rates_are_those_at_the_call(told: Told) -> None:
    optimizer = Foreign()
    told.step(optimizer)
    assert told.lines == [{"step": 1, "learning_rate": 0.3, "samples": 4}]


def test_a_rate_that_is_a_tensor(told: Told) -> None:
    (weight,) = parameters = model()
    optimizer = torch.optim.Adam(parameters, lr=torch.tensor(0.25))
    backward(weight)
    optimizer.step()
    told.step(optimizer)
    assert told.lines[0]["learning_rate"] == 0.25
    assert "learning_rates" not in told.lines[0]


def test_optimizers_that_are_made_anew_are_one(told: Told) -> None:
    (weight,) = parameters = model()
    for _ in range(200):
        optimizer = torch.optim.SGD(parameters, lr=1.0)
        backward(weight)
        optimizer.step()
        told.step(optimizer)
        del optimizer
    assert len(told.lines) == 200
    assert len(told.watch.facts) == 1


def test_no_optimizer_is_kept_alive(told: Told) -> None:
    import weakref

    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    backward(weight)
    optimizer.step()
    told.step(optimizer)
    seen = weakref.ref(optimizer)
    del optimizer
    assert seen() is None


def test_a_setting_that_changes_is_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path)
    monkeypatch.setattr("framework.recording.session._EVERY", -1.0)
    (weight,) = parameters = model()
    optimizer = torch.optim.SGD(parameters, lr=1.0, weight_decay=0.1)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        for number in range(4):
            backward(weight)
            optimizer.step()
            if number == 1:
                optimizer.param_groups[0]["weight_decay"] = 0.5
            run.step(optimizer, samples=4)
    (event,) = read_lines(run.folder / EVENTS)
    change = {"optimizer": 0, "group": 0, "setting": "weight_decay", "was": 0.1, "is": 0.5}
    assert event == {"event": "optimizer_changed", "step": 2, **change}
    (left,) = RunStore(tmp_path / "runs").runs()
    assert left.record.observed["optimizer"]["weight_decay"] == [0.1, 0.5]
