"""What the manifest demands of a run, computed here and not by the code that trains: two independent answers."""

from __future__ import annotations

import math

from framework.manifest.phases import Phase


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Optimizer steps of one pass: the last batch of a pass may be smaller, and counts."""
    return math.ceil(examples / batch_size)


def optimizer_steps(phase: Phase, examples: int) -> int:
    """Optimizer steps of a whole training of ``examples`` training examples.

    A part of an epoch (`epochs: 0.5`) rounds up to whole steps.
    """
    if phase.max_steps is not None:
        return phase.max_steps
    assert phase.epochs is not None
    exact = phase.epochs * steps_per_epoch(examples, phase.batch_size)
    return max(1, math.ceil(exact - 1e-9))


def samples_at(step: int, examples: int, batch_size: int) -> int:
    """Sequences in optimizer step ``step`` (from 1): the batch, or what is left at the end of a pass."""
    place = (step - 1) % steps_per_epoch(examples, batch_size)
    return min(batch_size, examples - place * batch_size)


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
