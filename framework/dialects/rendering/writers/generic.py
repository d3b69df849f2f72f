"""Home-grown configs, by the plainest of the names that most of them use; flat, but for what is told by its section."""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

NAMES = {
    "optimizer.learning_rate": "learning_rate",
    "optimizer.weight_decay": "weight_decay",
    "optimizer.betas": "betas",
    "optimizer.eps": "adam_eps",
    "schedule.name": "lr_scheduler_type",
    "schedule.min_learning_rate": "min_learning_rate",
    "epochs": "epochs",
    "max_steps": "max_steps",
    "max_grad_norm": "max_grad_norm",
    "sequence_length": "sequence_length",
    "precision": "precision",
    "early_stopping.metric": "early_stopping_metric",
    "early_stopping.patience": "early_stopping_patience",
    "early_stopping.min_delta": "early_stopping_min_delta",
    "adapter.lora.rank": "lora_r",
    "adapter.lora.alpha": "lora_alpha",
    "adapter.lora.dropout": "lora_dropout",
    "adapter.lora.targets": "lora_target_modules",
    "seed": "seed",
}


def write(sheet: Sheet) -> None:
    sheet.say_all(NAMES)
    if "optimizer.momentum" in sheet.facts:
        sheet.put("optimizer.name", sheet.facts["optimizer.name"], "optimizer.name")
        sheet.say("optimizer.momentum", "optimizer.momentum")
    else:
        sheet.say("optimizer", "optimizer.name")
    sheet.say_warmup("warmup_steps", "warmup_ratio")
    sheet.say("micro_batch_size", "batch_size.micro")
    sheet.say("gradient_accumulation_steps", "batch_size.accumulation")
    sheet.say_all({"mask.sdm.target_sparsity": "sdm.target_sparsity", "mask.sdm.temperature": "sdm.temperature"})
