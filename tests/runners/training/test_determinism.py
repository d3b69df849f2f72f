"""Deterministic operations by default."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch

from framework.errors import FrameworkError
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Training
from runners.execute import execute
from runners.progress import Silent
from runners.seeds import derived_seed, seed_everything
from runners.training.determinism import deterministic


class Looking(Silent):
    """Notes the mode that torch is in while it trains."""

    def __init__(self) -> None:
        self.modes: set[bool] = set()

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        self.modes.add(torch.are_deterministic_algorithms_enabled())


@pytest.mark.parametrize(("knob", "mode"), [(None, True), (True, True), (False, False)])
def test_a_training_is_deterministic_unless_a_knob_says_otherwise(
    laboratory: Any, phase: Callable[..., Phase], knob: bool | None, mode: bool
) -> None:
    step = laboratory.step(
        Training(phase(max_steps=2), "data", laboratory.text()), knobs=Knobs(deterministic=knob, log_every=1)
    )
    looking = Looking()
    execute(step, laboratory.store, laboratory.project, looking)
    assert looking.modes == {mode}
    assert not torch.are_deterministic_algorithms_enabled()


def test_cublas_is_told_unless_the_user_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic():
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with deterministic():
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_an_operation_without_a_deterministic_form_is_named() -> None:
    """torch's own alert, of an operation that has none."""
    values, at, new = torch.zeros(3), torch.tensor([0]), torch.tensor([1.0])
    with pytest.raises(FrameworkError, match="put_ does not have a deterministic") as caught, deterministic():
        values.put_(at, new, accumulate=False)
    assert "knob `deterministic: false` allows it" in str(caught.value)
    with deterministic(False):
        values.put_(at, new, accumulate=False)


def test_other_errors_are_passed_on() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), deterministic():
        raise RuntimeError("out of memory")


def test_seeding_each_step_leaves_nothing_behind() -> None:
    """`torch.manual_seed` keeps a call with its stack for every device that is not there; the numbers are its own."""
    seed_everything(3, "step", 0)
    waiting = len(torch.cuda._queued_calls), len(torch.xpu._queued_calls)
    for step in range(5):
        seed_everything(3, "step", step)
    assert (len(torch.cuda._queued_calls), len(torch.xpu._queued_calls)) == waiting
    ours = torch.rand(4)
    torch.manual_seed(derived_seed(3, "step", 4))
    assert torch.equal(ours, torch.rand(4))
