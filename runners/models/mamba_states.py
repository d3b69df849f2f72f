"""The states of Mamba's selective scan, as a forward pass goes through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.mamba import modeling_mamba

from runners.models.dimensions import See
from runners.models.mamba_scan import scan_states


@contextmanager
def states_of(mixers: Sequence[nn.Module], see: See) -> Iterator[None]:
    """While active, each scan of a mixer shows its states, [channels, tokens, states]: each channel has states of its
    own. They are computed beside the scan, which never shows them; the model's output is not touched."""
    scan, current = modeling_mamba.mamba_selective_scan, [0]

    def enter(index: int) -> Any:
        return lambda module, inputs: current.__setitem__(0, index)

    def watched(
        hidden_states: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, *arguments: Any, **named: Any
    ) -> Any:
        with torch.no_grad():
            states = scan_states(
                hidden_states, dt, A, B, named.get("delta_bias"), bool(named.get("delta_softplus", False))
            )
            see(current[0], states.permute(2, 1, 0, 3).flatten(1, 2))
        return scan(hidden_states, dt, A, B, C, *arguments, **named)

    handles = [mixer.register_forward_pre_hook(enter(index)) for index, mixer in enumerate(mixers)]
    modeling_mamba.mamba_selective_scan = watched
    try:
        yield
    finally:
        modeling_mamba.mamba_selective_scan = scan
        for handle in handles:
            handle.remove()
