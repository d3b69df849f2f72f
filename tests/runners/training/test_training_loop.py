"""What a training run does, and what it writes about it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Training
from runners.data.tokenizing import tokenizer_for
from runners.execute import execute
from runners.progress import Silent


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "model" / "model.safetensors")


@pytest.mark.parametrize("objective", ["causal_lm", "classification"])
def test_accumulation_does_not_change_the_loss(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, objective: str
) -> None:
    """Also where the last batch of the epoch leaves micro-batches of different sizes (12 and 4 of 16 sequences)."""
    stated = phase(objective, batch_size=24, epochs=1.0, max_grad_norm=1.0)
    work = laboratory.pretrain if objective == "causal_lm" else laboratory.finetune
    dataset = laboratory.text() if objective == "causal_lm" else laboratory.topics(limit=40)
    runs = [work(stated, dataset=dataset, knobs=Knobs(micro_batch_size=size)) for size in (24, 12, 4)]
    whole, *others = (trace(run) for run in runs)
    assert [run.record.observed["accumulation"] for run in runs] == [1, 2, 6]
    assert whole[-1]["samples"] == 16
    for parts in others:
        for ours, theirs in zip(parts, whole, strict=True):
            assert (ours["samples"], ours["tokens"]) == (theirs["samples"], theirs["tokens"])
            assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
            assert ours["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-3)


def test_the_trace_follows_the_statement(laboratory: Any, phase: Callable[..., Phase], trace: Any) -> None:
    schedule = {"name": "cosine", "warmup": "2 steps", "min_learning_rate": "0.1 * learning_rate"}
    stated = phase(batch_size=24, epochs=2.0, schedule=schedule)  # 64 sequences: 24, 24, 16
    run = laboratory.pretrain(stated)
    lines, observed = trace(run), run.record.observed
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["epoch"] for line in lines] == [1, 1, 1, 2, 2, 2]
    assert [line["samples"] for line in lines] == [24, 24, 16] * 2
    assert [line["tokens"] for line in lines] == [line["samples"] * 32 for line in lines]
    for line in lines:
        p = (line["step"] - 3) / 4
        factor = (line["step"] - 1) / 2 if p < 0 else 0.1 + 0.9 * (1 + math.cos(math.pi * p)) / 2
        assert line["learning_rate"] == pytest.approx(3e-3 * factor)
    assert (observed["optimizer_steps"], observed["epochs"], observed["batch_size"]) == (6, 2.0, 24)
    assert run.record.data["train_examples"] == 64
    assert run.record.metrics["perplexity"] == pytest.approx(math.exp(run.record.metrics["validation_loss"]))


def test_a_run_is_a_function_of_its_seed(laboratory: Any, phase: Callable[..., Phase]) -> None:
    first, again, other = (
        laboratory.pretrain(phase(), seed=seed, knobs=Knobs(log_every=every))
        for seed, every in ((7, 1), (7, 2), (8, 1))
    )
    name = "backbone.layers.0.mixer.in_proj.weight"
    assert all(torch.equal(value, tensors(again)[name]) for name, value in tensors(first).items())
    assert not torch.equal(tensors(first)[name], tensors(other)[name])


def test_a_loss_that_is_no_number_fails_the_run(laboratory: Any, phase: Callable[..., Phase]) -> None:
    stated = phase(optimizer={"name": "sgd", "learning_rate": 1e12}, max_steps=20)
    step = laboratory.step(Training(stated, "data", laboratory.text()))
    with pytest.raises(FrameworkError, match=r"training loss is (nan|inf) at optimizer step \d+ of 20"):
        laboratory.execute(step)
    record = laboratory.record(step)
    assert record.status == "failed"
    assert record.error is not None
    assert "training loss" in record.error
    assert record.observed["planned_steps"] == 20


def test_early_stopping_ends_the_run_and_keeps_the_best(
    laboratory: Any, phase: Callable[..., Phase], trace: Any
) -> None:
    stated = phase(
        batch_size=16,
        epochs=8.0,
        optimizer={"name": "sgd", "learning_rate": 1e-9},
        early_stopping={"metric": "loss", "patience": 2, "min_delta": 0.1},
    )
    run = laboratory.pretrain(stated)
    observed = run.record.observed
    assert observed["stopped_early"] == {"epoch": 3, "best": pytest.approx(run.record.metrics["validation_loss"])}
    assert observed["best"]["epoch"] == 1
    assert observed["optimizer_steps"] == len(trace(run)) == 12
    assert observed["planned_steps"] == 32


def test_bf16_trains_and_is_recorded(laboratory: Any, phase: Callable[..., Phase]) -> None:
    half = laboratory.pretrain(phase(precision="bf16"))
    full = laboratory.pretrain(phase())
    assert (half.record.observed["precision"], full.record.observed["precision"]) == ("bf16", "fp32")
    assert half.record.metrics["validation_loss"] == pytest.approx(full.record.metrics["validation_loss"], rel=0.05)
    assert all(value.dtype == torch.float32 for value in tensors(half).values())


def test_a_tokenizer_larger_than_the_embedding_is_refused(laboratory: Any, phase: Callable[..., Phase]) -> None:
    small = laboratory.model.model_copy(update={"vocabulary": 200})
    assert len(tokenizer_for("tiny", small, (), laboratory.project)) == 256
    with pytest.raises(FrameworkError, match="256 tokens, the embedding only 200"):
        laboratory.pretrain(phase(), model=small)


def test_dropout_at_a_step_depends_on_seed_and_step_alone(laboratory: Any, phase: Callable[..., Phase]) -> None:
    """Whoever else draws from torch's generators between the steps, such as an iterator that a resume makes anew."""

    class Drawing(Silent):
        def update(self, done: int, loss: float, learning_rate: float) -> None:
            torch.rand(done)

    model = laboratory.model.model_copy(update={"family": "gpt2", "heads": 2, "state": None})
    results = []
    for attempt, progress in enumerate((Silent(), Drawing())):
        work = Training(phase(), "data", laboratory.text())
        step = laboratory.step(work, model=model, knobs=Knobs(log_every=1), attempt=attempt)
        execute(step, laboratory.store, laboratory.project, progress)
        results.append(tensors(laboratory.store.done(step.key)))
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())


def test_the_best_state_is_restored_without_stopping_early(laboratory: Any, phase: Callable[..., Phase]) -> None:
    """Four sequences are soon learned by heart: the validation loss falls, then rises."""
    stated = phase(
        batch_size=4,
        epochs=40.0,
        optimizer={"learning_rate": 2e-2},
        early_stopping={"metric": "loss", "patience": 100},
    )
    run = laboratory.pretrain(stated, dataset=laboratory.text(limit=4))
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "evaluation"]
    assert losses[-1] > min(losses) + 0.05
    assert run.record.metrics["validation_loss"] == pytest.approx(min(losses), rel=1e-6)
    assert run.record.observed["best"]["epoch"] == 1 + losses.index(min(losses))
    assert run.record.observed["stopped_early"] is None
