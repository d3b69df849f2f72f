"""What LightningCLI and verl make of their keys: one case per sentence of the docstrings."""

from __future__ import annotations

from typing import Any

import pytest

from framework.dialects.flags import said
from framework.dialects.registry import dialect, recognise
from tests.dialects.trainers.semantics import NOTHING, UNKNOWN, Case, assert_assumes, assert_states

COSINE = "torch.optim.lr_scheduler.CosineAnnealingLR"


def cli(**more: Any) -> dict[str, Any]:
    return {"seed_everything": 1, "trainer": {"max_epochs": 20, **more.pop("trainer", {})}, "model": {"x": 1}, **more}


def scheduler(path: str, **arguments: Any) -> dict[str, Any]:
    return cli(lr_scheduler={"class_path": path, "init_args": arguments})


STOP = {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {"monitor": "val/acc", "patience": 3}}
ACTOR = {"optim": {"lr": 1e-6}, "ppo_mini_batch_size": 64}


def ppo(rollout: Any = None, model: Any = None, **actor: Any) -> dict[str, Any]:
    return {"actor_rollout_ref": {"actor": {**ACTOR, **actor}, "rollout": rollout or {}, "model": model or {}}}


FALLING = {"lr": 1e-6, "min_lr_ratio": 0.1}
OLDER = {"lr_scheduler_type": "constant", "warmup_style": "cosine"}
SFT = {"data": {"train_files": "a", "train_batch_size": 256}, "optim": {"lr": 1e-5}, "trainer": {"total_epochs": 4}}
CASES: list[Case] = [
    ("lightning-cli", cli(), "seed", 1),
    ("lightning-cli", {**cli(), "seed_everything": True}, "seed", UNKNOWN),
    ("lightning-cli", {**cli(), "seed_everything": False}, "seed", NOTHING),
    ("lightning-cli", {"fit": cli()}, "seed", 1),
    ("lightning-cli", {"fit": cli()}, "epochs", 20),
    ("lightning-cli", cli(trainer={"max_epochs": -1, "max_steps": 9}), "epochs", NOTHING),
    ("lightning-cli", cli(trainer={"devices": 4, "num_nodes": 2}), "hardware.count|batch_size.processes", 8),
    ("lightning-cli", cli(trainer={"devices": [0, 2]}), "hardware.count|batch_size.processes", 2),
    ("lightning-cli", cli(trainer={"devices": "auto"}), "hardware.count|batch_size.processes", UNKNOWN),
    ("lightning-cli", cli(trainer={"gradient_clip_val": 0.5}), "max_grad_norm", 0.5),
    ("lightning-cli", cli(trainer={"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"}), "max_grad_norm",
     NOTHING),
    ("lightning-cli", cli(trainer={"callbacks": [STOP]}), "early_stopping.metric", "accuracy"),
    ("lightning-cli", cli(trainer={"callbacks": [STOP]}), "early_stopping.patience", 3),
    ("lightning-cli", scheduler(COSINE, T_max=20), "schedule.name", "cosine"),
    ("lightning-cli", scheduler(COSINE, T_max=30), "schedule.name", UNKNOWN),
    ("lightning-cli", scheduler("torch.optim.lr_scheduler.LinearLR"), "schedule.name", UNKNOWN),
    ("lightning-cli", scheduler("torch.optim.lr_scheduler.StepLR", step_size=3), "schedule.name", "step"),
    ("lightning-cli", cli(optimizer={"class_path": "torch.optim.AdamW", "init_args": {"eps": 1e-6}}), "optimizer.eps",
     1e-6),
    ("lightning-cli", {"--trainer.max_epochs": 3, "--seed_everything": 1}, "epochs", 3),
    ("verl", ppo({"n": 8}), "batch_size", 512),
    ("verl", ppo({"n": 1}), "batch_size", 64),
    ("verl", ppo(), "batch_size", 64),
    ("verl", ppo({"n": "${N}"}), "batch_size", UNKNOWN),
    ("verl", ppo(optim={"lr": 1e-6, "lr_warmup_steps": 10, "lr_warmup_steps_ratio": 0.1}), "schedule.warmup.ratio",
     NOTHING),
    ("verl", ppo(optim={"lr": 1e-6, "lr_warmup_steps": -1, "lr_warmup_steps_ratio": 0.1}), "schedule.warmup.ratio",
     0.1),
    ("verl", ppo(optim={"lr": 1e-6, "lr_warmup_steps": -1}), "schedule.warmup.steps", NOTHING),
    ("verl", ppo(optim={"lr": 1e-6, "min_lr_ratio": 0.1}), "schedule.min_learning_rate", 1e-7),
    ("verl", ppo(optim={**FALLING, "lr_scheduler_type": "cosine"}), "schedule.min_learning_rate", 1e-7),
    ("verl", ppo(optim={**FALLING, "lr_scheduler_type": "constant"}), "schedule.min_learning_rate", NOTHING),
    ("verl", ppo(optim={**FALLING, **OLDER}), "schedule.min_learning_rate", 1e-7),
    ("verl", ppo(optim={**FALLING, **OLDER}), "schedule.name", "cosine"),
    ("verl", ppo(kl_loss_coef=0.001), "settings.kl_coefficient", NOTHING),
    ("verl", ppo(kl_loss_coef=0.001, use_kl_loss=True), "settings.kl_coefficient", 0.001),
    ("verl", ppo(model={"lora_rank": 0, "lora_alpha": 16}), "adapter.lora.alpha", NOTHING),
    ("verl", ppo(model={"lora_rank": 32, "lora_alpha": 16}), "adapter.lora.alpha", 16),
    ("verl", {"actor_rollout_ref.actor.ppo_mini_batch_size": 8, "actor_rollout_ref.rollout.n": 4}, "batch_size", 32),
    ("verl", SFT, "batch_size", 256),
    ("verl", SFT, "optimizer.learning_rate", 1e-5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "fact", "expected"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_key_states_what_its_trainer_makes_of_it(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_states(name, data, fact, expected)


DEFAULTS: list[Case] = [
    ("lightning-cli", cli(), "max_grad_norm", None),
    ("lightning-cli", cli(), "precision", "fp32"),
    ("lightning-cli", cli(optimizer={"class_path": "torch.optim.AdamW"}), "optimizer.weight_decay", 0.01),
    ("verl", {"actor_rollout_ref.actor.ppo_mini_batch_size": 8}, "optimizer.learning_rate", 1e-6),
    ("verl", {"actor_rollout_ref.actor.ppo_mini_batch_size": 8}, "epochs", 30),
    ("verl", ppo(), "epochs", NOTHING),
]


@pytest.mark.parametrize(("name", "data", "fact", "expected"), DEFAULTS, ids=[f"{c[0]}: {c[2]}" for c in DEFAULTS])
def test_what_a_trainer_does_where_nothing_is_stated(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_assumes(name, data, fact, expected)


@pytest.mark.parametrize(("data", "name"), [({"fit": cli()}, "lightning-cli"), (ppo(), "verl"), (SFT, "verl")])
def test_each_shape_is_recognised(data: dict[str, Any], name: str) -> None:
    found = recognise(data)
    assert found is not None
    assert found[0].name == name


def test_dotted_names_are_read_at_their_own_places() -> None:
    data = {"+trainer.nnodes": 2, "trainer.n_gpus_per_node": 8, "actor_rollout_ref.actor.fsdp_config.offload": True}
    found = said(dialect("verl"), {**data, "actor_rollout_ref.actor.optim.lr": 1e-6})
    assert {each.path: each.value for each in found.statements} == {
        ("trainer.n_gpus_per_node",): 16,
        ("actor_rollout_ref.actor.optim.lr",): 1e-6,
    }
    assert {("+trainer.nnodes",), ("actor_rollout_ref.actor.fsdp_config.offload",)} <= found.silent
