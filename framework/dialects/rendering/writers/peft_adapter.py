"""peft's `LoraConfig`."""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet

_TASKS = {"causal_lm": "CAUSAL_LM", "completion": "CAUSAL_LM", "classification": "SEQ_CLS"}


def write(sheet: Sheet) -> None:
    if "adapter.lora.rank" not in sheet.facts:
        return
    sheet.put("peft_type", "LORA")
    sheet.put("task_type", _TASKS[sheet.facts["objective"]])
    sheet.say("base_model_name_or_path", "model")
    sheet.say_all({"adapter.lora.rank": "r", "adapter.lora.alpha": "lora_alpha"})
    sheet.say_all({"adapter.lora.dropout": "lora_dropout", "adapter.lora.targets": "target_modules"})
    words.unmasked(sheet)
