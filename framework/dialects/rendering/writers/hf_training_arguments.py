"""`TrainingArguments` of transformers 5, and nothing that only some scripts take.

What the example scripts call the sequence length, the model, the dataset, early stopping and LoRA differs between them,
so those are named under `keys`.
"""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet


def write(sheet: Sheet) -> None:
    words.optimizer(sheet, "optim")
    if words.schedule(sheet, "lr_scheduler_type") == "cosine" and sheet.facts["schedule.min_learning_rate"] > 0:
        sheet.put("lr_scheduler_type", "cosine_with_min_lr")
        least = sheet.facts["schedule.min_learning_rate"]
        sheet.put("lr_scheduler_kwargs.min_lr", least, "schedule.min_learning_rate")
    words.warmup(sheet)
    words.batch(sheet, "per_device_train_batch_size")
    words.precision(sheet)
    sheet.say_all({"epochs": "num_train_epochs", "max_steps": "max_steps"})
    sheet.say_all({"max_grad_norm": "max_grad_norm", "seed": "seed"})
