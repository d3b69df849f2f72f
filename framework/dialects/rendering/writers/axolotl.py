"""axolotl's YAML. `datasets` are its user's to give, under `values`: each needs a `type`."""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet


def write(sheet: Sheet) -> None:
    sheet.say("base_model", "model")
    words.optimizer(sheet, "optimizer")
    if words.schedule(sheet, "lr_scheduler") == "cosine" and sheet.facts["schedule.min_learning_rate"] > 0:
        sheet.put("cosine_min_lr_ratio", sheet.facts.min_ratio, "schedule.min_learning_rate")
    sheet.say_warmup("warmup_steps", "warmup_ratio")
    words.batch(sheet, "micro_batch_size")
    words.precision(sheet)
    sheet.say_all({"epochs": "num_epochs", "max_steps": "max_steps"})
    sheet.say_all({"max_grad_norm": "max_grad_norm", "sequence_length": "sequence_len", "seed": "seed"})
    if words.lora(sheet, "lora_r", "lora_target_modules"):
        sheet.put("adapter", "lora")
    sheet.refuse("early_stopping.metric", "axolotl watches the validation loss that it is configured for")
