"""ms-swift: transformers' arguments with its own for the model, the length and the tuner.

`dataset` (names of its own registry or files) is its user's to give, under `values`.
"""

from __future__ import annotations

from framework.dialects.rendering import transformers_words as words
from framework.dialects.rendering.sheet import Sheet
from framework.dialects.rendering.writers import hf_training_arguments


def write(sheet: Sheet) -> None:
    hf_training_arguments.write(sheet)
    sheet.say_all({"model": "model", "sequence_length": "max_length"})
    sheet.put("tuner_type", "lora" if words.lora(sheet, "lora_rank", "target_modules") else "full")
