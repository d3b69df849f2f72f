"""How many threads a training computes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 10_000_000


@contextmanager
def training_threads(parameters: int) -> Iterator[int]:
    """One thread for a model of fewer than 10M parameters, else as many as torch has now (`OMP_NUM_THREADS`, or one
    per core); what was set before is set again afterwards.

    The operations of a small model are too short to share: its threads spin at barriers, and where other work runs
    beside them a step can take thirty times as long.
    """
    before = torch.get_num_threads()
    threads = 1 if parameters < SMALL else before
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)
