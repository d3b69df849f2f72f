"""A model's `config.json`, by its family's own names; sizes only, no training."""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

_USUAL = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "state": "state_size",
    "expand": "expand",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "vocabulary": "vocab_size",
}
_OWN = {
    "gpt2": {"layers": "n_layer", "hidden": "n_embd", "heads": "n_head", "intermediate": "n_inner"},
    "opt": {"intermediate": "ffn_dim"},
    "distilbert": {"layers": "n_layers", "hidden": "dim", "heads": "n_heads"},
}
"""Names of families that call a size otherwise than most."""


def write(sheet: Sheet) -> None:
    family = sheet.facts["model.family"]
    sheet.put("model_type", family, "model.family")
    for size, usual in _USUAL.items():
        sheet.say(_OWN.get(family, {}).get(size, usual), f"model.{size}")
