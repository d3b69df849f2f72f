"""DeepSpeed's JSON, without a scheduler: those of DeepSpeed are a step away from what is declared.

In `deepspeed/runtime/lr_schedules.py` a warmup uses its first learning rate twice, is logarithmic by default and never
shorter than 2 steps, and the cosine is a step ahead. Only a constant learning rate is the same; any other schedule is
the trainer's to set. `total_num_steps` is the scheduler's too: the length of a training is not DeepSpeed's to decide.
"""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

_SCHEDULES = "DeepSpeed's schedulers are a step away from it: let the trainer make the schedule"
_OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD"}


def write(sheet: Sheet) -> None:
    facts = sheet.facts
    sheet.say_word("optimizer.type", "optimizer.name", _OPTIMIZERS, "DeepSpeed")
    sheet.say("optimizer.params.lr", "optimizer.learning_rate")
    for each in ("weight_decay", "betas", "eps", "momentum"):
        sheet.say(f"optimizer.params.{each}", f"optimizer.{each}")
    if facts.get("optimizer.name") == "adam":
        sheet.put("optimizer.params.adam_w_mode", False)
    sheet.say("train_batch_size", "batch_size")
    sheet.say("train_micro_batch_size_per_gpu", "batch_size.micro")
    sheet.say("gradient_accumulation_steps", "batch_size.accumulation")
    sheet.say("gradient_clipping", "max_grad_norm")
    precision = facts.get("precision")
    if precision is not None and precision not in ("bf16", "fp16", "fp32"):
        sheet.refuse("precision", f"DeepSpeed has no section for {precision!r} here")
    elif precision is not None:
        sheet.put("bf16.enabled", precision == "bf16", "precision")
        sheet.put("fp16.enabled", precision == "fp16", "precision")
    if facts["schedule.name"] == "constant" and not facts.warms_up:
        sheet.needless("schedule.name", "schedule.warmup", "schedule.min_learning_rate")
    else:
        for fact in ("schedule.name", "schedule.warmup", "schedule.min_learning_rate"):
            sheet.refuse(fact, _SCHEDULES)
