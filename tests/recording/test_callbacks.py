"""Recordings as callbacks of transformers' Trainer and of Lightning, and as a tracker of accelerate."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments

import framework
from framework.conformance import Stage, Status
from framework.errors import UsageError
from framework.evidence.record import EVENTS, STEPS, read_lines
from framework.evidence.store import Run, RunStore
from tests.recording.training import project, rows, verified
from tests.support.statuses import status_of

OF_TRAINER = {
    "name": "adamw",
    "learning_rate": 1e-2,
    "weight_decay": 0.1,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "groups": [{"parameters": ["biases", "norms"], "weight_decay": 0.0}],
}
"""What transformers' Trainer does by default: no weight decay on biases and norms."""


class Classifier(nn.Module):
    """A model as the Trainer takes it."""

    main_input_name = "features"

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)

    def forward(self, features: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        logits = self.head(self.norm(self.body(features)))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return {"logits": logits} if loss is None else {"loss": loss, "logits": logits}


def examples() -> list[dict[str, Any]]:
    features, labels = rows()
    return [{"features": one, "labels": label} for one, label in zip(features, labels, strict=True)]


def trainer(root: Path, callbacks: list[Any], **options: Any) -> Any:
    stated: dict[str, Any] = {
        "learning_rate": 1e-2,
        "weight_decay": 0.1,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "warmup_steps": 2,
        "seed": 1,
        "eval_strategy": "epoch",
        "logging_steps": 5,
        "save_strategy": "no",
    }
    stated |= options
    arguments = TrainingArguments(
        output_dir=str(root / "out"), report_to="none", use_cpu=True, disable_tqdm=True, **stated
    )
    torch.manual_seed(1)
    data = examples()
    return Trainer(model=Classifier(), args=arguments, train_dataset=data, eval_dataset=data[:8], callbacks=callbacks)


def train(root: Path, recorded: bool = True, resume: str | None = None, **options: Any) -> Any:
    if not recorded:
        made = trainer(root, [], **options)
        made.train()
        return made.model
    with framework.record(variant="dense", seed=1, manifest=root) as run:
        made = trainer(root, [run.for_trainer()], **options)
        made.train(resume_from_checkpoint=resume)
    return made.model


def runs(root: Path) -> list[Run]:
    found = RunStore(root / "runs").runs()
    return sorted(found, key=lambda run: run.record.identity["recorded"]["attempt"])


def test_a_trainer_that_does_as_stated_has_no_finding(tmp_path: Path) -> None:
    project(tmp_path, optimizer=OF_TRAINER)
    train(tmp_path)
    result = verified(tmp_path)
    assert result.findings == []
    facts = ("epochs", "batch_size", "max_grad_norm", "optimizer.betas", "optimizer.groups[0].weight_decay")
    for fact in (*facts, "schedule.warmup.steps", "optimizer.learning_rate"):
        looks = [each for each in result.matrix.verdicts if each.clause == f"phases.train.{fact}"]
        assert Status.CONFORMS in {each.status for each in looks if each.stage is Stage.RUN}, fact
    (left,) = runs(tmp_path)
    lines = list(read_lines(left.folder / STEPS))
    assert [line["samples"] for line in lines] == [8] * 10
    assert [line["step"] for line in lines if "loss" in line] == [5, 10]
    assert [line["step"] for line in read_lines(left.folder / EVENTS)] == [5, 10]
    assert left.record.metrics.keys() == {"validation_loss"}
    assert left.record.observed["accumulation"] == 2
    assert left.record.observed["train_examples"] == 40


@pytest.mark.parametrize(
    ("drift", "code", "said"),
    [
        ({"learning_rate": 2e-2}, "R110", "step 2 of 10 used 0.01, not 0.005"),
        ({"warmup_steps": 4}, "R110", "step 2 of 10 used 0.0025"),
        ({"lr_scheduler_type": "cosine"}, "R110", "step 4 of 10"),
        ({"seed": 3}, "R130", "the seed was 3, not 1"),
        ({"weight_decay": 0.0}, "R120", "weight decay of body.weight and 1 more of 2 was 0"),
        ({"adam_beta2": 0.95}, "R120", "betas was [0.9, 0.95]"),
        ({"max_grad_norm": 5.0}, "R121", "max_grad_norm was 5"),
        ({"gradient_accumulation_steps": 1}, "R102", "step 1 had 4 samples, not 8"),
        ({"per_device_train_batch_size": 3, "dataloader_drop_last": True}, "R102", "had 6 samples, not 8"),
        ({"num_train_epochs": 1}, "R101", "5 optimizer steps of 10"),
    ],
)
def test_each_drift_of_a_trainer_is_named(tmp_path: Path, drift: dict[str, Any], code: str, said: str) -> None:
    project(tmp_path, optimizer=OF_TRAINER)
    train(tmp_path, **drift)
    messages = [finding.message for finding in verified(tmp_path).findings if finding.code == code]
    assert any(said in message for message in messages), verified(tmp_path).findings


def test_the_trainer_trains_the_same_to_the_bit(tmp_path: Path) -> None:
    project(tmp_path)
    one, other = (train(tmp_path, recorded).state_dict() for recorded in (False, True))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_trainer_that_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    project(tmp_path, optimizer=OF_TRAINER)
    train(tmp_path, save_strategy="steps", save_steps=4)
    train(tmp_path, resume=str(tmp_path / "out" / "checkpoint-4"), save_strategy="steps", save_steps=4)
    first, last = runs(tmp_path)
    assert [line["step"] for line in read_lines(last.folder / STEPS)] == list(range(1, 11))
    assert [attempt.get("from_step") for attempt in last.record.attempts] == [None, 4]
    assert [each["step"] for each in first.record.observed["checkpoints"]] == [4, 8, 10]
    assert verified(tmp_path).findings == []


def test_an_early_stop_of_a_trainer_is_told(tmp_path: Path) -> None:
    class Stop(TrainerCallback):
        def on_epoch_end(self, args: Any, state: Any, control: Any, **there: Any) -> None:
            control.should_training_stop = True

    project(tmp_path, optimizer=OF_TRAINER)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        trainer(tmp_path, [Stop(), run.for_trainer()]).train()
    assert runs(tmp_path)[0].record.observed["stopped_early"] == {"step": 5, "epoch": 1.0}
    assert "R101" in {finding.code for finding in verified(tmp_path).findings}


def test_a_model_that_is_counted_can_be_pickled(tmp_path: Path) -> None:
    import pickle

    class Pickling(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **there: Any) -> None:
            copy = pickle.loads(pickle.dumps(there["model"]))
            assert copy.state_dict().keys() == there["model"].state_dict().keys()

    project(tmp_path, optimizer=OF_TRAINER)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        trainer(tmp_path, [run.for_trainer(), Pickling()]).train()
    assert [line["samples"] for line in read_lines(runs(tmp_path)[0].folder / STEPS)] == [8] * 10


def test_accelerates_tracker(tmp_path: Path) -> None:
    from accelerate import Accelerator

    project(tmp_path)
    features, labels = rows()
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        accelerator = Accelerator(cpu=True, log_with=run.for_accelerate(), gradient_accumulation_steps=2)
        accelerator.init_trackers("study", {"max_grad_norm": 1.0, "own": "fact"})
        model = nn.Linear(4, 2)
        model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=0.5))
        for number in range(1, 9):
            with accelerator.accumulate(model):
                loss = nn.functional.cross_entropy(model(features[:4]), labels[:4])
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            accelerator.log({"train_loss": loss.item()}, step=number)
        accelerator.log({"val/accuracy": 0.75, "val/loss": 0.5}, step=8)
        accelerator.end_training()
    (left,) = runs(tmp_path)
    lines = list(read_lines(left.folder / STEPS))
    assert [(line["step"], line["learning_rate"]) for line in lines] == [(step, 0.5) for step in (1, 2, 3, 4)]
    assert all("loss" in line and "samples" not in line for line in lines)
    assert left.record.metrics == {"accuracy": 0.75, "validation_loss": 0.5}
    assert left.record.observed["settings"] == {"max_grad_norm": 1.0, "own": "fact"}
    result = verified(tmp_path)
    assert status_of(result, "phases.train.batch_size", Stage.RUN) is Status.UNVERIFIED


def test_accelerates_optimizer_gathers_and_is_told_of_each_micro_batch(tmp_path: Path) -> None:
    from accelerate import Accelerator

    project(tmp_path)
    features, labels = rows()
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        accelerator = Accelerator(cpu=True, gradient_accumulation_steps=4)
        model = nn.Linear(4, 2)
        model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=0.5))
        for _ in range(8):
            with accelerator.accumulate(model):
                loss = nn.functional.cross_entropy(model(features[:2]), labels[:2])
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            run.step(optimizer, loss=loss, samples=2)
    lines = list(read_lines(runs(tmp_path)[0].folder / STEPS))
    assert [(line["step"], line["samples"]) for line in lines] == [(1, 8), (2, 8)]


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Lightning as far as the callback asks for it; it is no dependency, see the test with the real one below."""
    module = types.ModuleType("lightning.pytorch")
    module.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning.pytorch", module)
    return module


class Loop:
    """The order in which Lightning calls a callback (`lightning/pytorch/loops/training_epoch_loop.py` 2.6): the batch
    ends after the optimizer and the scheduler have stepped."""

    precision, gradient_clip_val, gradient_clip_algorithm = "32-true", 1.0, None
    sanity_checking, early_stopping_callback, current_epoch = False, None, 0

    def __init__(self, accumulate: int):
        self.global_step, self.accumulate_grad_batches = 0, accumulate
        self.callback_metrics: dict[str, torch.Tensor] = {}
        self.train_dataloader = types.SimpleNamespace(dataset=range(40))
        self.estimated_stepping_batches = 10
        self.optimizers: list[Any] = []

    def fit(self, callback: Any) -> None:
        features, labels = rows()
        module = nn.Linear(4, 2)
        module.hparams = {"width": 2}  # type: ignore[assignment]
        optimizer = torch.optim.AdamW(module.parameters(), lr=0.5)
        self.optimizers = [optimizer]
        callback.on_train_start(self, module)
        for number in range(4):
            batch = {"x": features[:8], "y": labels[:8]}

            def closure(batch: Any = batch) -> torch.Tensor:
                loss = nn.functional.cross_entropy(module(batch["x"]), batch["y"])
                loss.backward()
                return loss

            last = (number + 1) % self.accumulate_grad_batches == 0
            loss = optimizer.step(closure) if last else closure()
            self.global_step += last
            callback.on_train_batch_end(self, module, {"loss": loss.detach()}, batch, number)
        self.callback_metrics = {"val_acc": torch.tensor(0.5), "train_loss": torch.tensor(1.0)}
        callback.on_validation_end(self, module)
        callback.on_train_end(self, module)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.usefixtures("lightning")
def test_lightnings_callback(tmp_path: Path, accumulate: int) -> None:
    project(tmp_path)
    with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
        Loop(accumulate).fit(run.for_lightning())
    (left,) = runs(tmp_path)
    lines = list(read_lines(left.folder / STEPS))
    assert [line["samples"] for line in lines] == [8 * accumulate] * (4 // accumulate)
    assert [line["learning_rate"] for line in lines] == [0.5] * (4 // accumulate)
    assert all("loss" in line for line in lines) == (accumulate == 1)
    observed = left.record.observed
    assert (observed["accumulation"], observed["max_grad_norm"]) == (accumulate, 1.0)
    assert (observed["precision"], observed["train_examples"]) == ("fp32", 40)
    assert observed["settings"]["width"] == 2
    assert left.record.metrics == {"accuracy": 0.5}


@pytest.mark.parametrize("name", ["for_trainer", "for_lightning", "for_accelerate"])
def test_a_library_that_the_script_does_not_use_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    project(tmp_path)
    for module in ("transformers", "accelerate.tracking", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    run = framework.record(variant="dense", seed=1, manifest=tmp_path)
    with pytest.raises(UsageError, match=f"{name}: the script has not imported"):
        getattr(run, name)()
