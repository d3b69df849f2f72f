"""torchtune's recipe configs. Which recipe, model, tokenizer and dataset is its user's to give, under `values`."""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet

_OPTIMIZERS = {"adamw": "torch.optim.AdamW", "adam": "torch.optim.Adam", "sgd": "torch.optim.SGD"}
_SCHEDULES = {
    "cosine": "torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup",
    "linear": "transformers.get_linear_schedule_with_warmup",
}
"""A recipe calls the component with the optimizer and the number of steps; others do not take the latter."""


def write(sheet: Sheet) -> None:
    sheet.say_word("optimizer._component_", "optimizer.name", _OPTIMIZERS, "torchtune")
    sheet.say("optimizer.lr", "optimizer.learning_rate")
    for name in ("weight_decay", "betas", "eps", "momentum"):
        sheet.say(f"optimizer.{name}", f"optimizer.{name}")
    _schedule(sheet)
    sheet.say("batch_size", "batch_size.micro")
    sheet.say("gradient_accumulation_steps", "batch_size.accumulation")
    sheet.say("epochs", "epochs")
    sheet.refuse("max_steps", "torchtune counts epochs, and `max_steps_per_epoch` within each")
    sheet.say_all({"max_grad_norm": "clip_grad_norm", "sequence_length": "tokenizer.max_seq_len", "seed": "seed"})
    sheet.say("dtype", "precision")
    for name in ("rank", "alpha", "dropout"):
        sheet.say(f"model.lora_{name}", f"adapter.lora.{name}")
    sheet.refuse("adapter.lora.targets", "torchtune has its own names for the adapted modules")
    words.unmasked(sheet)


def _schedule(sheet: Sheet) -> None:
    facts = sheet.facts
    name = facts["schedule.name"]
    if name == "constant":
        sheet.needless("schedule.name", "schedule.min_learning_rate")
        if facts.warms_up:
            sheet.refuse("schedule.warmup", "torchtune has no constant schedule with a warmup")
        else:
            sheet.needless("schedule.warmup")
        return
    sheet.say_word("lr_scheduler._component_", "schedule.name", _SCHEDULES, "torchtune")
    if facts["schedule.min_learning_rate"] > 0:
        sheet.refuse("schedule.min_learning_rate", "torchtune's schedules end at 0")
    else:
        sheet.needless("schedule.min_learning_rate")
    sheet.say_warmup("lr_scheduler.num_warmup_steps")
