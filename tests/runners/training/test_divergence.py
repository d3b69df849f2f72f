"""A training that breaks stops, and its last good state stays."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from framework.errors import FrameworkError
from framework.evidence.record import CHECKPOINTS
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Step, Training
from runners.training import update
from runners.training.figures.divergence import WINDOW, Divergence

SGD = {"name": "sgd", "learning_rate": 0.1}


@pytest.fixture
def broken_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float], None]:
    """Multiplies the loss of one optimizer step (from 1) by a factor; there is one micro-batch per step."""
    real, calls = update.summed_loss, [0]

    def patch(step: int, factor: float) -> None:
        def loss(logits: Any, batch: Any) -> Any:
            calls[0] += 1
            return real(logits, batch) * (factor if calls[0] == step else 1.0)

        monkeypatch.setattr(update, "summed_loss", loss)

    return patch


def step_of(laboratory: Any, phase: Phase, **knobs: Any) -> Step:
    return laboratory.step(Training(phase, "data", laboratory.text()), knobs=Knobs(log_every=1, **knobs))


def failure(laboratory: Any, step: Step) -> str:
    with pytest.raises(FrameworkError) as caught:
        laboratory.execute(step)
    record = laboratory.record(step)
    assert (record.status, record.error) == ("failed", str(caught.value))
    assert record.attempts[-1]["error"] == record.error
    return str(caught.value)


def kept(laboratory: Any, step: Step) -> list[str]:
    folder: Path = laboratory.store.folder(step.folder) / CHECKPOINTS
    return sorted(path.name for path in folder.glob("step-*"))


def test_a_loss_that_is_no_number_keeps_the_last_state_with_one_that_was(
    laboratory: Any, phase: Callable[..., Phase], broken_at: Any
) -> None:
    """The weights after 4 steps are those that step 5 fails with: the good ones are older."""
    step = step_of(laboratory, phase(max_steps=8), checkpoint_every=1)
    broken_at(5, math.nan)
    message = failure(laboratory, step)
    assert message.startswith("the training loss is nan at optimizer step 5 of 8; the last good state, that after ")
    assert f"{step.folder}/checkpoints/step-00000003" in message
    assert kept(laboratory, step) == ["step-00000003"]
    weights = load_file(laboratory.store.folder(step.folder) / CHECKPOINTS / "step-00000003" / "weights.safetensors")
    assert all(bool(value.isfinite().all()) for value in weights.values())


def test_a_failed_run_goes_on_from_its_last_good_state(
    laboratory: Any, phase: Callable[..., Phase], broken_at: Any
) -> None:
    step = step_of(laboratory, phase(max_steps=8), checkpoint_every=1)
    broken_at(5, math.nan)
    failure(laboratory, step)
    run = laboratory.execute(step)
    assert [attempt["from_step"] for attempt in run.record.attempts] == [0, 3]
    lines = [json.loads(line)["step"] for line in (run.folder / "steps.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3, 4, 5, 6, 7, 8]
    assert run.record.error is None


def test_a_gradient_that_is_no_number_is_not_applied(
    laboratory: Any, phase: Callable[..., Phase], broken_at: Any
) -> None:
    """Its weights were good: they are saved, whether that was due or not."""
    step = step_of(laboratory, phase(max_steps=8, max_grad_norm=1.0, optimizer=SGD), checkpoint_every=100)
    broken_at(5, 1e35)
    message = failure(laboratory, step)
    assert message.startswith(
        "the norm of the gradient is inf at optimizer step 5 of 8; the last good state, that after optimizer step 4"
    )
    assert kept(laboratory, step) == ["step-00000004"]


def test_without_a_checkpoint_the_message_says_how_to_get_one(
    laboratory: Any, phase: Callable[..., Phase], broken_at: Any
) -> None:
    broken_at(5, math.inf)
    message = failure(laboratory, step_of(laboratory, phase(max_steps=8)))
    assert message.endswith("no checkpoint was due before that: the knob `checkpoint_every` makes them more frequent")


def test_a_validation_loss_that_is_no_number_is_told_the_same_way(
    laboratory: Any, phase: Callable[..., Phase], broken_at: Any
) -> None:
    """Eight steps an epoch; the update of the last one ruins the weights."""
    stated = phase(epochs=2.0, optimizer=SGD, early_stopping={"metric": "loss", "patience": 2})
    step = step_of(laboratory, stated, checkpoint_every=1)
    broken_at(8, 1e30)
    message = failure(laboratory, step)
    assert message.startswith(
        "the validation loss is nan after optimizer step 8 of 16; the last good state, that after"
    )
    assert kept(laboratory, step) == ["step-00000006", "step-00000007"]


def test_also_the_last_update_may_ruin_the_weights(
    laboratory: Any, phase: Callable[..., Phase], broken_at: Any
) -> None:
    step = step_of(laboratory, phase(max_steps=4, optimizer=SGD), checkpoint_every=1)
    broken_at(4, 1e30)
    assert failure(laboratory, step).startswith("the validation loss is nan after optimizer step 4 of 4; the last good")
    assert kept(laboratory, step) == ["step-00000003"]


def fed(factor: float, losses: list[float]) -> list[int]:
    """After which losses (from 1) a training counts as diverged."""
    divergence = Divergence(factor)
    return [number for number, loss in enumerate(losses, 1) if divergence.seen(loss)]


def test_a_training_has_diverged_when_its_mean_loss_stays_above_the_first() -> None:
    assert fed(2.0, [1.0] + [2.5] * WINDOW)[0] == WINDOW  # the first window's mean: 49 times 2.5 and 1
    assert fed(2.0, [1.0] + [2.0] * 3 * WINDOW) == []
    assert fed(2.0, [1.0] * WINDOW + [10.0] * 5 + [1.0] * WINDOW) == []
    assert fed(2.0, [1.0] * WINDOW + [10.0] * 6)[0] == WINDOW + 6  # (44 + 60) / 50 > 2


def test_its_state_is_all_that_it_knows() -> None:
    first, second = Divergence(2.0), Divergence(2.0)
    for loss in [1.0] * WINDOW + [10.0] * 5:
        first.seen(loss)
    second.load_state(json.loads(json.dumps(first.state())))
    assert second.suspicious
    assert first.seen(10.0) == second.seen(10.0)
    assert first.seen(10.0) is not None


def test_a_diverged_run_fails_and_keeps_a_state_from_before(laboratory: Any, phase: Callable[..., Phase]) -> None:
    stated = phase(max_steps=80, batch_size=2, sequence_length=8, optimizer={"learning_rate": 1.0})
    step = step_of(laboratory, stated, checkpoint_every=1, divergence=1.2)
    message = failure(laboratory, step)
    assert message.startswith("the training has diverged: the mean loss of the last 50 optimizer steps is")
    lines = (laboratory.store.folder(step.folder) / "steps.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert len(losses) < 80
    for name in kept(laboratory, step):
        assert losses[int(name.removeprefix("step-")) - 1] <= 1.2 * losses[0]
    assert kept(laboratory, step)


def test_nothing_stops_it_unless_that_is_declared(laboratory: Any, phase: Callable[..., Phase]) -> None:
    stated = phase(max_steps=80, batch_size=2, sequence_length=8, optimizer={"learning_rate": 1.0})
    assert laboratory.execute(step_of(laboratory, stated)).record.status == "done"
