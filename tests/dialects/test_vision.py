"""What trainers of vision models make of their keys: one case per sentence of the docstrings."""

from __future__ import annotations

from typing import Any

import pytest

from framework.dialects.registry import recognise
from framework.dialects.terms import ByVersion
from tests.dialects.trainers.semantics import NOTHING, UNKNOWN, Case, assert_assumes, assert_states

YOLO = {"imgsz": 640, "lr0": 0.01, "epochs": 100, "batch": 16}
SGD = {**YOLO, "optimizer": "SGD"}
TIMM = {"opt": "sgd", "sched": "cosine", "reprob": 0.0, "epochs": 300, "batch_size": 128}


def solver(**keys: Any) -> dict[str, Any]:
    return {"SOLVER": {"BASE_LR": 0.02, "IMS_PER_BATCH": 16, "MAX_ITER": 90000, **keys}}


def engine(*schedulers: dict[str, Any], optimizer: dict[str, Any] | None = None, **wrapper: Any) -> dict[str, Any]:
    """An mmengine config of 100 epochs."""
    return {
        "optim_wrapper": {
            "type": "OptimWrapper",
            "optimizer": {"type": "SGD", "lr": 0.1, **(optimizer or {})},
            **wrapper,
        },
        "train_cfg": {"by_epoch": True, "max_epochs": 100},
        "param_scheduler": list(schedulers),
        "train_dataloader": {"batch_size": 4},
    }


RAMP = {"type": "LinearLR", "start_factor": 0.01, "begin": 0, "end": 10}
STEPS = {**RAMP, "by_epoch": False, "end": 1000}
COSINE = {"type": "CosineAnnealingLR", "T_max": 90, "begin": 10, "end": 100, "eta_min": 1e-5}

CASES: list[Case] = [
    ("mmengine", engine(RAMP, COSINE), "schedule.name", "cosine"),
    ("mmengine", engine(RAMP, COSINE), "schedule.warmup.ratio", 0.1),
    ("mmengine", engine(STEPS, {**COSINE, "begin": 0, "T_max": 100}), "schedule.warmup.steps", 1000),
    ("mmengine", engine(STEPS, COSINE, accumulative_counts=4), "schedule.warmup.steps", 250),
    ("mmengine", engine(RAMP, COSINE), "schedule.min_learning_rate", 1e-5),
    ("mmengine", engine(RAMP, {**COSINE, "T_max": 100}), "schedule.min_learning_rate", UNKNOWN),
    ("mmengine", engine(RAMP, {**COSINE, "T_max": 50, "end": 60}), "schedule.name", UNKNOWN),
    ("mmengine", engine(RAMP, {**COSINE, "begin": 50, "T_max": 50}), "schedule.name", UNKNOWN),
    ("mmengine", engine(RAMP, {"type": "MultiStepLR", "milestones": [60, 80], "gamma": 0.1}), "schedule.name",
     "milestones"),
    ("mmengine", engine(RAMP, {"type": "MultiStepLR", "milestones": [60, 80], "gamma": 0.1}), "schedule.gamma", 0.1),
    ("mmengine", engine(RAMP, COSINE, COSINE), "schedule.name", UNKNOWN),
    ("mmengine", engine(RAMP, COSINE, {"type": "CosineAnnealingMomentum"}), "schedule.name", "cosine"),
    ("mmengine", engine(), "precision", "fp32"),
    ("mmengine", engine(type="AmpOptimWrapper"), "precision", "fp16"),
    ("mmengine", engine(type="AmpOptimWrapper", dtype="bfloat16"), "precision", "bf16"),
    ("mmengine", engine(type="ApexOptimWrapper"), "precision", UNKNOWN),
    ("mmengine", engine(clip_grad={"max_norm": 35, "norm_type": 2}), "max_grad_norm", 35),
    ("mmengine", engine(clip_grad={"max_norm": 35, "norm_type": 1}), "max_grad_norm", UNKNOWN),
    ("mmengine", engine(clip_grad={"type": "value", "clip_value": 1}), "settings.max_grad_value", 1),
    ("mmengine", {**engine(), "auto_scale_lr": {"enable": True, "base_batch_size": 16}}, "optimizer.learning_rate",
     UNKNOWN),
    ("mmengine", {**engine(), "auto_scale_lr": {"enable": False}}, "optimizer.learning_rate", 0.1),
    ("mmengine", {**engine(), "optimizer": {"type": "AdamW", "lr": 3}, "lr": 5}, "optimizer.learning_rate", 0.1),
    ("mmengine", {**engine(), "train_dataloader": {"batch_size": 4, "dataset": {"type": "RepeatDataset", "times": 3}}},
     "epochs", UNKNOWN),
    ("mmengine", {**engine(accumulative_counts=4), "train_cfg": {"max_iters": 4000}}, "max_steps", 1000),
    ("mmengine", {**engine(accumulative_counts=3), "train_cfg": {"max_iters": 4000}}, "max_steps", UNKNOWN),
    ("mmengine", {**engine(), "custom_hooks": [{"type": "EarlyStoppingHook", "monitor": "val/acc"}]},
     "early_stopping.metric", "accuracy"),
    ("ultralytics", YOLO, "batch_size", 64),
    ("ultralytics", {**YOLO, "batch": 128}, "batch_size", 128),
    ("ultralytics", {**YOLO, "batch": 24}, "batch_size", 72),
    ("ultralytics", {**YOLO, "batch": -1}, "batch_size", UNKNOWN),
    ("ultralytics", {**YOLO, "batch": 0.7}, "batch_size", UNKNOWN),
    ("ultralytics", YOLO, "optimizer.learning_rate", UNKNOWN),
    ("ultralytics", {**YOLO, "optimizer": "auto", "momentum": 0.937}, "optimizer.momentum", UNKNOWN),
    ("ultralytics", SGD, "optimizer.learning_rate", 0.01),
    ("ultralytics", {**SGD, "lrf": 0.01}, "schedule.min_learning_rate", 1e-4),
    ("ultralytics", {**SGD, "momentum": 0.937}, "optimizer.momentum", 0.937),
    ("ultralytics", {**SGD, "optimizer": "AdamW", "momentum": 0.9}, "optimizer.betas[0]", 0.9),
    ("ultralytics", {**SGD, "weight_decay": 0.0005}, "optimizer.weight_decay", 0.0005),
    ("ultralytics", {**SGD, "weight_decay": 0.0005, "batch": 128}, "optimizer.weight_decay", 0.001),
    ("ultralytics", {**SGD, "warmup_epochs": 3.0}, "schedule.warmup.ratio", 0.03),
    ("ultralytics", {**SGD, "warmup_epochs": 3.0, "epochs": 2}, "schedule.warmup.ratio", 0.5),
    ("ultralytics", {**SGD, "cos_lr": False}, "schedule.name", "linear"),
    ("ultralytics", {**SGD, "patience": 0}, "early_stopping.patience", NOTHING),
    ("timm", {**TIMM, "warmup_epochs": 30}, "schedule.warmup.ratio", 0.1),
    ("timm", {**TIMM, "warmup_epochs": 20, "warmup_prefix": True}, "schedule.warmup.ratio", 0.0625),
    ("timm", {**TIMM, "warmup_epochs": 20, "warmup_prefix": True}, "epochs", 320),
    ("timm", {**TIMM, "cooldown_epochs": 10}, "epochs", 310),
    ("timm", {**TIMM, "momentum": 0.9}, "optimizer.momentum", 0.9),
    ("timm", {**TIMM, "momentum": 0.9, "opt": "adamw"}, "optimizer.momentum", NOTHING),
    ("timm", {**TIMM, "clip_grad": 0.1, "clip_mode": "value"}, "settings.max_grad_value", 0.1),
    ("timm", {**TIMM, "clip_grad": 0.1, "clip_mode": "agc"}, "max_grad_norm", UNKNOWN),
    ("timm", {**TIMM, "amp": True}, "precision", "fp16"),
    ("timm", {**TIMM, "lr": None, "lr_base": 0.1}, "optimizer.learning_rate", NOTHING),
    ("timm", {**TIMM, "model_ema": True, "model_ema_decay": 0.999}, "settings.ema_decay", 0.999),
    ("timm", {**TIMM, "model_ema": False, "model_ema_decay": 0.999}, "settings.ema_decay", NOTHING),
    ("timm", {"--opt": "adamw", "--sched": "cosine", "--reprob": 0.1, "-b": 64}, "batch_size.micro", 64),
    ("detectron2", solver(REFERENCE_WORLD_SIZE=8), "batch_size", UNKNOWN),
    ("detectron2", solver(REFERENCE_WORLD_SIZE=0), "batch_size", 16),
    ("detectron2", solver(CLIP_GRADIENTS={"ENABLED": False, "CLIP_VALUE": 1.0}), "max_grad_norm", NOTHING),
    ("detectron2", solver(CLIP_GRADIENTS={"ENABLED": True, "CLIP_VALUE": 1.0}), "settings.max_grad_value", 1.0),
    ("detectron2", solver(CLIP_GRADIENTS={"ENABLED": True, "CLIP_TYPE": "norm", "CLIP_VALUE": 1.0}), "max_grad_norm",
     UNKNOWN),
    ("detectron2", {**solver(), "SEED": -1}, "seed", NOTHING),
    ("detectron2", solver(WARMUP_ITERS=500, WARMUP_METHOD="none"), "schedule.warmup.steps", 0),
    ("detectron2", solver(OPTIMIZER="ADAMW"), "optimizer.name", "adamw"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "fact", "expected"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_key_states_what_its_trainer_makes_of_it(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_states(name, data, fact, expected)


DEFAULTS: list[Case] = [
    ("mmengine", engine(RAMP), "schedule.name", "constant"),
    ("mmengine", engine(COSINE), "schedule.warmup.steps", 0),
    ("mmengine", engine(), "max_grad_norm", None),
    ("mmengine", engine(), "optimizer.momentum", 0),
    ("mmengine", {**engine(), "_base_": ["gone.py"]}, "max_grad_norm", NOTHING),
    ("ultralytics", {"imgsz": 640, "lrf": 0.01}, "batch_size", 64),
    ("ultralytics", YOLO, "optimizer.learning_rate", NOTHING),
    ("ultralytics", {**YOLO, "mode": "val"}, "seed", NOTHING),
    ("ultralytics", YOLO, "max_grad_norm", 10.0),
    ("timm", TIMM, "optimizer.weight_decay", 2e-5),
    ("timm", TIMM, "optimizer.momentum", 0.9),
    ("timm", {**TIMM, "opt": "adamw"}, "optimizer.momentum", NOTHING),
    ("timm", {**TIMM, "config": "base.yaml"}, "optimizer.weight_decay", NOTHING),
    ("timm", TIMM, "schedule.min_learning_rate", ByVersion("timm", (("0", 1e-6), ("0.9", 0.0)))),
    ("timm", TIMM, "schedule.warmup.ratio", ByVersion("timm", (("0", 3 / 300), ("0.9", 5 / 300)))),
    ("detectron2", solver(), "optimizer.name", "sgd"),
    ("detectron2", solver(), "schedule.warmup.steps", 1000),
    ("detectron2", {**solver(), "_BASE_": "base.yaml"}, "schedule.warmup.steps", NOTHING),
]


@pytest.mark.parametrize(("name", "data", "fact", "expected"), DEFAULTS, ids=[f"{c[0]}: {c[2]}" for c in DEFAULTS])
def test_what_a_trainer_does_where_nothing_is_stated(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_assumes(name, data, fact, expected)


def test_a_file_over_another_is_recognised_by_one_key_of_its_solver() -> None:
    found = recognise({"_BASE_": "../Base.yaml", "SOLVER": {"MAX_ITER": 270000}})
    assert found is not None
    assert found[0].name == "detectron2"


@pytest.mark.parametrize(
    "flags",
    [
        {"opt": "adamw", "opt_eps": 1e-6, "warmup_lr": 0, "layer_decay": 0.8, "clip_grad": 1.0},
        {"opt": "adamw", "sched_on_updates": True, "model_kwargs": "img_size=336"},
    ],
)
def test_fine_tuning_without_a_named_schedule_is_recognised(flags: dict[str, Any]) -> None:
    found = recognise(flags)
    assert found is not None
    assert found[0].name == "timm"
