"""A Hydra tree: PyTorch's optimizer and Lightning's Trainer as `_target_` components, the rest by the usual names."""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

_OPTIMIZERS = {"adamw": "torch.optim.AdamW", "adam": "torch.optim.Adam", "sgd": "torch.optim.SGD"}
_PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
_TRAINER = "lightning.pytorch.trainer.Trainer"


def write(sheet: Sheet) -> None:
    facts = sheet.facts
    sheet.say_word("optimizer._target_", "optimizer.name", _OPTIMIZERS, "PyTorch")
    sheet.say("optimizer.lr", "optimizer.learning_rate")
    for name in ("weight_decay", "betas", "eps", "momentum"):
        sheet.say(f"optimizer.{name}", f"optimizer.{name}")
    sheet.say("scheduler.name", "schedule.name")
    sheet.say("scheduler.min_lr", "schedule.min_learning_rate")
    sheet.say_warmup("scheduler.warmup_steps", "scheduler.warmup_ratio")
    sheet.put("trainer._target_", _TRAINER)
    sheet.say_all({"epochs": "trainer.max_epochs", "max_steps": "trainer.max_steps"})
    sheet.say("trainer.gradient_clip_val", "max_grad_norm")
    sheet.say("trainer.accumulate_grad_batches", "batch_size.accumulation")
    sheet.put("trainer.devices", facts["batch_size.processes"], "hardware.count", "batch_size.processes")
    sheet.say_word("trainer.precision", "precision", _PRECISIONS, "Lightning's Trainer")
    sheet.say("data.micro_batch_size", "batch_size.micro")
    sheet.say("data.max_seq_len", "sequence_length")
    for name in ("metric", "patience", "min_delta"):
        sheet.say(f"early_stopping.{name}", f"early_stopping.{name}")
    for name in ("rank", "alpha", "dropout", "targets"):
        sheet.say(f"lora.{name}", f"adapter.lora.{name}")
    for name in ("target_sparsity", "temperature"):
        sheet.say(f"sdm.{name}", f"mask.sdm.{name}")
    sheet.say("seed", "seed")
