"""Which dimension of a weight its inputs lie along: where "per output" and "N of M" count."""

from __future__ import annotations

import math
from collections.abc import Iterable

_INPUT_FIRST = {
    "gpt2": ("c_attn", "c_fc", "c_proj", "q_attn"),
    "openai-gpt": ("c_attn", "c_fc", "c_proj"),
}
"""By transformers' `model_type`: modules of the class Conv1D, whose weight is [inputs, outputs]."""


def input_first(model_type: str | None, names: Iterable[str]) -> frozenset[str]:
    """The weights that are stored as [inputs, outputs]; all others are [outputs, inputs, ...]."""
    modules = _INPUT_FIRST.get(model_type or "", ())
    return frozenset(name for name in names if name.endswith(".weight") and name.split(".")[-2:-1][0] in modules)


def rows_of(name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """A weight as [outputs, inputs]: of a convolution the inputs are all that one output reads; stacked experts (no
    module's `weight`) are [experts, outputs, inputs]."""
    split = 1 if name.endswith(".weight") else max(len(shape) - 1, 1)
    return math.prod(shape[:split]), math.prod(shape[split:])
