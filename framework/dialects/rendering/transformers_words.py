"""Words that transformers' Trainer and what builds on it share: its schedules, optimizers and switches."""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

ADAM = "transformers has no Adam without decoupled weight decay"
MOMENTUM = "transformers' Trainer has no argument for momentum"
LINEAR_END = "its linear schedule always ends at 0"
_SCHEDULES = ("linear", "cosine", "inverse_sqrt")
_WITH_ARGUMENTS = "a schedule of transformers whose arguments are not written here"
_PRECISIONS = ("bf16", "fp16", "fp32")


def schedule(sheet: Sheet, key: str) -> str:
    """Write the schedule's name, as transformers spells it, which is the result. How a cosine is told where to
    end differs, and is left to the caller; 'constant' would leave out the warmup."""
    facts = sheet.facts
    name, least = facts["schedule.name"], facts["schedule.min_learning_rate"]
    if name == "constant":
        word = "constant_with_warmup" if facts.warms_up else "constant"
        sheet.needless("schedule.min_learning_rate")
    else:
        word = name
        if name not in _SCHEDULES:
            sheet.refuse("schedule.name", f"{_WITH_ARGUMENTS}: {name}")
            return str(name)
        if least == 0:
            sheet.needless("schedule.min_learning_rate")
        elif name == "linear":
            sheet.refuse("schedule.min_learning_rate", LINEAR_END)
    sheet.put(key, word, "schedule.name")
    return word


def warmup(sheet: Sheet, key: str = "warmup_steps") -> None:
    """Write the warmup in steps where their number is known, else as a share: rounding is then the trainer's."""
    sheet.say_warmup(key, key)


def optimizer(sheet: Sheet, key: str) -> None:
    """Write the optimizer and what its arguments are called everywhere."""
    name = sheet.facts["optimizer.name"]
    if name == "adam":
        sheet.refuse("optimizer.name", ADAM)
    else:
        sheet.say_word(key, "optimizer.name", {"adamw": "adamw_torch", "sgd": "sgd"}, "transformers' Trainer")
    sheet.refuse("optimizer.momentum", MOMENTUM)
    sheet.say("learning_rate", "optimizer.learning_rate")
    sheet.say("weight_decay", "optimizer.weight_decay")
    if "optimizer.betas" in sheet.facts:
        first, second = sheet.facts["optimizer.betas"]
        sheet.put("adam_beta1", first, "optimizer.betas[0]")
        sheet.put("adam_beta2", second, "optimizer.betas[1]")
    sheet.say("adam_epsilon", "optimizer.eps")


def precision(sheet: Sheet) -> None:
    """Write both switches, so that neither is left to a default."""
    word = sheet.facts.get("precision")
    if word is not None and word not in _PRECISIONS:
        sheet.refuse("precision", f"transformers' Trainer has no switch for {word!r}")
    elif word is not None:
        sheet.put("bf16", word == "bf16", "precision")
        sheet.put("fp16", word == "fp16", "precision")


def batch(sheet: Sheet, micro: str) -> None:
    """Write a batch by its factors; the processes are the launcher's."""
    sheet.say(micro, "batch_size.micro")
    sheet.say("gradient_accumulation_steps", "batch_size.accumulation")


def lora(sheet: Sheet, rank: str, target: str) -> bool:
    """Write plain LoRA under the names that begin with `lora_`; whether there is any."""
    sheet.say_all({"adapter.lora.rank": rank, "adapter.lora.alpha": "lora_alpha"})
    sheet.say_all({"adapter.lora.dropout": "lora_dropout", "adapter.lora.targets": target})
    unmasked(sheet)
    return "adapter.lora.rank" in sheet.facts


def unmasked(sheet: Sheet) -> None:
    """peft's own LoRA trains W + s B A; what the masks of a step before remove is removed when it is merged."""
    if sheet.facts.get("adapter.lora.mode") == "sparse_to_sparse":
        sheet.refuse("adapter.lora.mode", "peft's LoRA trains an update that is not masked")
    else:
        sheet.needless("adapter.lora.mode")
