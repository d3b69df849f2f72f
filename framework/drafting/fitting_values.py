"""Whether a manifest can hold what a file states: no negative count, no share above 1, no name that is none."""

from __future__ import annotations

import math
from typing import Any

from framework.dialects.terms import words

_NAMES = frozenset(words("optimizer.name schedule.name precision early_stopping.metric dataset"))
COUNTS = frozenset(
    words(
        "batch_size batch_size.micro batch_size.accumulation max_steps sequence_length early_stopping.patience"
        " adapter.lora.rank hardware.count model.layers model.hidden model.state model.expand model.heads"
        " model.key_value_heads model.intermediate model.experts model.experts_per_token model.positions"
        " model.vocabulary"
    )
)
_SHARES = frozenset(
    words("share optimizer.momentum optimizer.betas[0] optimizer.betas[1] schedule.warmup.ratio adapter.lora.dropout")
)
_FROM_ZERO = frozenset(
    words("optimizer.weight_decay schedule.min_learning_rate early_stopping.min_delta schedule.warmup.epochs")
)
_NUMBERS = frozenset(
    words("optimizer.learning_rate optimizer.eps epochs max_grad_norm adapter.lora.alpha schedule.power schedule.gamma")
)
KNOWN = _NAMES | COUNTS | _SHARES | _FROM_ZERO | _NUMBERS | {"schedule.warmup.steps", "optimizer.betas"}
"""The facts that a draft states as clauses."""


def fits(fact: str, value: Any) -> bool:
    """Whether the clause of a fact can hold a value."""
    if fact in _NAMES:
        return isinstance(value, str) and bool(value.strip()) and len(value) <= 64
    if fact == "adapter.lora.targets":
        return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
    if fact == "optimizer.betas":
        return isinstance(value, list) and len(value) in (2, 3) and all(fits("share", item) for item in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return False
    if fact in COUNTS or fact == "schedule.warmup.steps":
        return value == int(value) and value >= (fact in COUNTS)
    if fact not in KNOWN and fact != "share":
        return False
    if fact in _SHARES:
        return 0 <= value < 1
    return value >= 0 if fact in _FROM_ZERO else value > 0
