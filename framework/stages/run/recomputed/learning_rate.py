"""The learning rate that the manifest demands of each optimizer step."""

from __future__ import annotations

import math

from framework.manifest.sections.phases import Phase


def learning_rate_at(phase: Phase, step: int, total: int) -> float:
    """The learning rate used in optimizer step ``step`` (from 1) of ``total``.

    Linear warmup from 0 over the declared steps, then constant, or linear or cosine (Loshchilov & Hutter 2017,
    "SGDR", without restarts) down to the declared minimum.
    """
    peak, least = phase.optimizer.learning_rate, phase.min_learning_rate()
    warmup = phase.schedule.warmup.in_steps(total)
    done = step - 1
    if done < warmup:
        return peak * done / max(1, warmup)
    if phase.schedule.name == "constant":
        return peak
    progress = min(1.0, (done - warmup) / max(1, total - warmup))
    if phase.schedule.name == "linear":
        return least + (peak - least) * (1 - progress)
    return least + (peak - least) * 0.5 * (1 + math.cos(math.pi * progress))
