"""LLaMA-Factory: transformers' arguments, with its own for the model, the length and LoRA.

`stage`, `template` and `dataset` (entries of its own `dataset_info.json`) are its user's to give, under `values`.
"""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet
from framework.dialects.rendering.writers import hf_training_arguments


def write(sheet: Sheet) -> None:
    hf_training_arguments.write(sheet)
    sheet.say_all({"model": "model_name_or_path", "sequence_length": "cutoff_len"})
    plain = words.lora(sheet, "lora_rank", "lora_target")
    if plain:
        sheet.put("lora_target", ",".join(sheet.facts["adapter.lora.targets"]))
    sheet.put("finetuning_type", "lora" if plain else "full")
    if "early_stopping.patience" in sheet.facts:
        sheet.say("early_stopping_steps", "early_stopping.patience")
        sheet.say("metric_for_best_model", "early_stopping.metric")
        if sheet.facts["early_stopping.min_delta"] == 0:
            sheet.needless("early_stopping.min_delta")
