"""FLOPs of a forward pass, counted by torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from runners.data.examples import Batch
from runners.measurement.forward_passes import outputs_of

COUNTED = (
    "matrix products and convolutions of one forward pass, 2 for each multiply-add, zeros counted as work; "
    "element-wise work (norms, activations, the recurrence of a scan) is left out"
)


_CHOICES = ("_attn_implementation", "_experts_implementation")
"""Where a configuration says with which kernels the model computes; `eager` is plain products."""


def forward_flops(model: Any, batch: Batch) -> int:
    """FLOPs of one pass, as `torch.utils.flop_counter` counts them.

    Attention and experts are computed eagerly while it counts: it does not know all of the fused kernels. The model
    and the batch lie on the CPU, where no CUDA kernel of Mamba hides its products either.
    """
    with eagerly(model.config), torch.no_grad(), FlopCounterMode(display=False) as counter:
        outputs_of(model, batch)
    return int(counter.get_total_flops())


@contextmanager
def eagerly(config: Any) -> Iterator[None]:
    """Let a model compute with plain products for as long as the block runs."""
    used = {name: getattr(config, name) for name in _CHOICES if getattr(config, name, None) is not None}
    try:
        for name in used:
            setattr(config, name, "eager")
        yield
    finally:
        for name, value in used.items():
            setattr(config, name, value)
