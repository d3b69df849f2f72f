"""Lengths, batches, schedules and metrics against their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from framework.errors import FrameworkError
from framework.manifest.sections.phases import EarlyStopping, Optimizer, Phase
from runners.training.batches import Geometry, epoch_order, global_batches, micro_batches
from runners.training.evaluating.early_stopping import BestState
from runners.training.evaluating.evaluation import classification_metrics
from runners.training.length import total_steps
from runners.training.optimizers import build_optimizer, observed_optimizer
from runners.training.schedules import build_schedule


@pytest.mark.parametrize(
    ("examples", "batch", "epochs", "max_steps", "expected"),
    [
        (64, 16, 3.0, None, 12),
        (65, 16, 3.0, None, 15),  # the last, incomplete batch of each epoch is a step
        (65, 16, 0.5, None, 3),  # half of 5 steps, rounded up
        (100, 1, 0.07, None, 7),  # 0.07 * 100 is 7.000000000000001 in floats
        (3, 16, 2.0, None, 2),
        (65, 16, None, 7, 7),
    ],
)
def test_total_steps(examples: int, batch: int, epochs: float | None, max_steps: int | None, expected: int) -> None:
    assert total_steps(examples, batch, epochs, max_steps) == expected


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "expected"),
    [
        (128, 16, 2, (16, 4)),
        (128, None, 1, (32, 4)),
        (12, None, 2, (6, 1)),
        (74, None, 1, (2, 37)),
        (1, None, 1, (1, 1)),
    ],
)
def test_accumulation_follows(batch: int, micro: int | None, processes: int, expected: tuple[int, int]) -> None:
    geometry = Geometry.of(batch, micro, processes)
    assert (geometry.micro_batch_size, geometry.accumulation) == expected
    assert geometry.micro_batch_size * geometry.accumulation * geometry.processes == batch


@pytest.mark.parametrize(("batch", "micro", "processes"), [(16, 3, 1), (16, 8, 3), (15, None, 2), (16, 32, 1)])
def test_a_batch_that_does_not_divide_is_refused(batch: int, micro: int | None, processes: int) -> None:
    with pytest.raises(FrameworkError, match=f"batch of {batch} "):
        Geometry.of(batch, micro, processes)


def test_the_order_depends_on_seed_and_epoch_only() -> None:
    first = epoch_order(50, seed=1, epoch=0)
    torch.manual_seed(99)
    torch.rand(7)
    assert epoch_order(50, seed=1, epoch=0) == first
    assert epoch_order(50, seed=1, epoch=1) != first
    assert epoch_order(50, seed=2, epoch=0) != first
    assert sorted(first) == list(range(50))
    long = [indices for _, indices in global_batches(50, 16, 1, 9)]
    assert long[:5] == [indices for _, indices in global_batches(50, 16, 1, 5)]


def test_every_epoch_sees_every_example_once() -> None:
    batches = list(global_batches(21, 8, seed=0, steps=6))
    for epoch in (0, 1):
        own = [indices for at, indices in batches if at == epoch]
        assert [len(indices) for indices in own] == [8, 8, 5]
        assert sorted(index for indices in own for index in indices) == list(range(21))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_micro_batches_of_all_processes_are_the_batch(processes: int) -> None:
    geometry = Geometry.of(12, 2, processes)
    for count in range(1, 13):
        shares = [list(micro_batches(range(count), geometry, process)) for process in range(processes)]
        assert len({len(share) for share in shares}) == 1  # they communicate equally often
        assert all(len(own) <= 2 for share in shares for own, _ in share)
        seen = [index for share in shares for own, counts in share if counts for index in own]
        assert sorted(seen) == list(range(count))


@pytest.mark.parametrize("name", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", ["25%", "0 steps", "20 steps"])
@pytest.mark.parametrize("floor", [0.0, "0.1 * learning_rate"])
def test_the_learning_rate_is_its_formula(
    phase: Callable[..., Phase], name: str, warmup: str, floor: float | str
) -> None:
    total, peak = 20, 3e-3
    stated = phase(schedule={"name": name, "warmup": warmup, "min_learning_rate": floor})
    group = {"params": [torch.nn.Parameter(torch.ones(1))], "lr": 10 * peak}
    optimizer = build_optimizer(stated.optimizer, [torch.nn.Parameter(torch.ones(1))], [group])
    schedule = build_schedule(stated, optimizer, total)
    w, f = stated.schedule.warmup.in_steps(total), 0.1 if floor else 0.0
    for step in range(total):
        p = (step - w) / (total - w) if step >= w else 0.0
        shape = {
            "constant": 1.0,
            "linear": f + (1 - f) * (1 - p),
            "cosine": f + (1 - f) * (1 + math.cos(math.pi * p)) / 2,
        }
        factor = step / w if step < w else shape[name]
        assert schedule.get_last_lr() == pytest.approx([peak * factor, 10 * peak * factor], rel=1e-9, abs=1e-15)
        optimizer.step()
        if step < total - 1:
            schedule.step()


def test_the_optimizer_has_the_declared_hyperparameters() -> None:
    stated = Optimizer(name="adamw", learning_rate=1e-3, weight_decay=0.1, betas=[0.8, 0.9], eps=1e-6)
    facts = observed_optimizer(build_optimizer(stated, [torch.nn.Parameter(torch.ones(1))], []))
    assert facts == {"class": "AdamW", "learning_rate": 1e-3, "weight_decay": 0.1, "betas": [0.8, 0.9], "eps": 1e-6}
    silent = observed_optimizer(build_optimizer(Optimizer(learning_rate=1.0), [torch.nn.Parameter(torch.ones(1))], []))
    assert silent["betas"] == [0.9, 0.999]
    with pytest.raises(FrameworkError, match="sgd has no betas"):
        build_optimizer(
            Optimizer(name="sgd", learning_rate=1.0, betas=[0.9, 0.9]), [torch.nn.Parameter(torch.ones(1))], []
        )


def test_metrics_by_hand() -> None:
    binary = classification_metrics(torch.tensor([[5, 1], [2, 4]]))
    assert binary == pytest.approx({"accuracy": 9 / 12, "f1": 2 * 4 / (6 + 5), "majority_share": 0.5})
    three = classification_metrics(torch.tensor([[2, 0, 0], [1, 1, 0], [0, 0, 0]]))
    assert three["f1"] == pytest.approx((4 / 5 + 2 / 3 + 0) / 3)
    assert three["accuracy"] == 0.75


def test_early_stopping_waits_and_restores() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    best = BestState(EarlyStopping(metric="loss", patience=2, min_delta=0.1), [weight])
    for epoch, (loss, exhausted) in enumerate([(2.0, False), (1.0, False), (0.95, False), (1.5, True)], 1):
        with torch.no_grad():
            weight.fill_(epoch)
        assert best.exhausted({"loss": loss}, epoch) is exhausted
    best.restore()
    assert (weight.item(), best.best_epoch, best.best) == (2.0, 2, 1.0)
    rising = BestState(EarlyStopping(metric="accuracy", patience=1), [weight])
    assert [rising.exhausted({"accuracy": value}, 1) for value in (0.5, 0.6, 0.6)] == [False, False, True]
