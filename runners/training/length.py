"""How long a training is, in optimizer steps. Pure arithmetic, so that it can be held against any other account."""

from __future__ import annotations

import math

from framework.manifest.sections.durations import Scale


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Optimizer steps of one pass over the data: the last, incomplete batch is a (smaller) step too."""
    return -(-examples // batch_size)


def total_steps(examples: int, batch_size: int, epochs: float | None, max_steps: int | None) -> int:
    """Optimizer steps of a whole training: ``max_steps`` where it is given, else ceil(epochs * steps per epoch).

    No batch crosses the border of an epoch. A part of an epoch (``epochs=0.5``) ends in its middle, rounded up to a
    whole step; a product that is a whole number up to rounding errors of the multiplication counts as that number.
    """
    if max_steps is not None:
        return max_steps
    assert epochs is not None
    exact = epochs * steps_per_epoch(examples, batch_size)
    return round(exact) if math.isclose(exact, round(exact), rel_tol=1e-9) else math.ceil(exact)


def scale_of(batch_size: int, sequence_length: int, examples: int) -> Scale:
    """What one optimizer step and one epoch are: a step counts as a full batch of full sequences, also where its texts
    are shorter."""
    return Scale(steps_per_epoch(examples, batch_size), batch_size, batch_size * sequence_length)
