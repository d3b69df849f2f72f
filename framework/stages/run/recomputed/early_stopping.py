"""The evaluation after which the declared patience demands that a training ends."""

from __future__ import annotations

from framework.manifest.sections.phases import EarlyStopping
from framework.manifest.sections.values.stated_metrics import falls


def stops_at(values: list[float], stated: EarlyStopping) -> int | None:
    """The evaluation (from 1) after which training ends, or None if it goes on to the end.

    An evaluation improves if it is better than the best so far by more than `min_delta`; training ends once
    `patience` evaluations in a row have not improved.
    """
    return _end(values, stated, own_best=False)


def stops_by_threshold_at(values: list[float], stated: EarlyStopping) -> int | None:
    """As :func:`stops_at`, with `min_delta` as `EarlyStoppingCallback` of transformers takes its
    `early_stopping_threshold` (5.23, `trainer_callback.py`): every better value is the best from then on, also one that
    is too little better to count."""
    return _end(values, stated, own_best=True)


def _end(values: list[float], stated: EarlyStopping, own_best: bool) -> int | None:
    sign = -1.0 if falls(stated.metric or "loss") else 1.0
    best, waited = -float("inf"), 0
    for number, value in enumerate(values, 1):
        if sign * value > best + stated.min_delta:
            best, waited = sign * value, 0
        else:
            waited += 1
            best = max(best, sign * value) if own_best else best
        if waited >= stated.patience:
            return number
    return None
