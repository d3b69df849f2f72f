"""TRL: transformers' arguments with its own for the length, and for LoRA behind `use_peft`.

Which of its trainers reads them is its user's to say: their other arguments are given under `values`.
"""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet
from framework.dialects.rendering.writers import hf_training_arguments


def write(sheet: Sheet) -> None:
    hf_training_arguments.write(sheet)
    sheet.say_all({"model": "model_name_or_path", "sequence_length": "max_length"})
    sheet.put("use_peft", words.lora(sheet, "lora_r", "lora_target_modules"))
