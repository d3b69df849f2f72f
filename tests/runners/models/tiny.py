"""The smallest model of each family, and what can be asked of any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from framework.manifest.sections.models import Model
from runners.models.building import build_language_model
from runners.models.classifier import Encoder
from runners.models.families import FAMILIES

_HEADS = {"heads": 4, "intermediate": 24}
SIZES: dict[str, dict[str, int]] = {
    "bert": _HEADS,
    "gpt": {**_HEADS, "key_value_heads": 2, "positions": 64},
    "gpt2": _HEADS,
    "llama": {**_HEADS, "key_value_heads": 2},
    "mamba": {"state": 6},
    "mistral": {**_HEADS, "key_value_heads": 2},
    "mixtral": {**_HEADS, "key_value_heads": 2, "experts": 3},
}
CAUSAL = [name for name in SIZES if not FAMILIES.get(name).encoder]


def tiny(family: str, **changes: Any) -> Model:
    """Two layers of 16, and the 256 bytes as tokens (with those that frame an encoder's texts)."""
    rows = 259 if FAMILIES.get(family).encoder else 256
    stated = {"layers": 2, "hidden": 16, "vocabulary": rows, "tokenizer": "bytes", **SIZES[family]}
    return Model(family=family, weights="random", **stated | changes)


def build(family: str, seed: int = 3, **changes: Any) -> Any:
    return build_language_model("tiny", tiny(family, **changes), 64, seed, Path()).eval()


def outputs(model: Any, ids: Tensor) -> Tensor:
    """The logits, or an encoder's last states."""
    if isinstance(model, Encoder):
        states: Tensor = model.bert(input_ids=ids).last_hidden_state
        return states
    logits: Tensor = model(input_ids=ids).logits
    return logits


def randomised(model: Any) -> Any:
    """Every parameter, biases and norms included, at a random value."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model
