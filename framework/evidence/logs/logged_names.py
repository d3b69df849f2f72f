"""What trainers and home-grown loops call what they log."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from framework.evidence.logs.bookkeeping import is_bookkeeping
from framework.manifest.hyperparameters import plain_metric, split_of

_NAMES = {
    "step": "step global_step iteration iter _step train/global_step",
    "epoch": "epoch train/epoch trainer/epoch",
    "learning_rate": "learning_rate lr train/learning_rate train/lr train_lr lr-AdamW lr-Adam lr-SGD lr/AdamW"
    " lr-AdamW/pg1 optim/lr",
    "loss": "loss train_loss train/loss train_loss_step loss/train",
    "samples": "samples samples_in_step train/samples",
    "tokens": "tokens tokens_in_step train/tokens",
    "samples_seen": "samples_seen examples_seen num_samples_seen consumed_samples consumed_train_samples",
    "tokens_seen": "tokens_seen num_tokens_seen consumed_tokens consumed_train_tokens num_input_tokens_seen",
}
USUAL = {known: names.split() for known, names in _NAMES.items()}
COURSE = frozenset(name for known, names in USUAL.items() if known != "loss" for name in names)
"""What trainers call a step, an epoch or a learning rate, which measure nothing."""


_EXAMPLES = ("train_samples", "train_examples", "num_train_examples")


def counted_examples(entry: Mapping[str, Any]) -> int | None:
    """How many training examples there are, where an entry says it."""
    counts = [count for name in _EXAMPLES if isinstance(count := number(entry.get(name)), int) and count > 0]
    return counts[-1] if counts else None


def number(value: Any) -> float | int | None:
    """A finite number, also where it is written as text; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value) if any(mark in value for mark in ".eE") else int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def pick(entry: Mapping[str, Any], name: str, own: Mapping[str, str]) -> float | int | None:
    """What an entry holds under a name of the table, or under the log's own for it."""
    for key in [own[name]] if name in own else USUAL[name]:
        if (found := number(entry.get(key))) is not None:
            return found
    return None


def evaluation(entry: Mapping[str, Any], splits: Collection[str] = ("validation",)) -> dict[str, float]:
    """The metrics of an entry that were measured on a split, by their plain names."""
    found = {}
    for key, value in entry.items():
        if split_of(key) in splits and (value := number(value)) is not None and not is_bookkeeping(key):
            found[plain_metric(key)] = float(value)
    return found
