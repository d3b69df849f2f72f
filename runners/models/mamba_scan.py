"""The selective scan of Mamba where no CUDA kernels run, with a backward pass that is linear in the length.

The reference scan of transformers indexes the sequence at each step, and the backward of each index fills a zero
tensor of the whole sequence: training costs grow with the square of the length. Here the recurrence
h[t] = a[t] * h[t-1] + b[t] is one autograd function whose backward is the same recurrence in reverse,

    g[t] = dL/dh[t] + a[t+1] * g[t+1],    dL/da[t] = g[t] * h[t-1],    dL/db[t] = g[t],

and everything around it is the reference's own arithmetic (Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with
Selective State Spaces", algorithm 2).
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from transformers.models.mamba import modeling_mamba

_REFERENCE = modeling_mamba.mamba_selective_scan
_HAS_CUDA_KERNELS = find_spec("mamba_ssm") is not None


class _Recurrence(torch.autograd.Function):
    """h[t] = a[t] * h[t-1] + b[t] with h[-1] = 0, over the first dimension of ``a`` and ``b`` (time first)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        states = torch.empty_like(b)
        states[0] = b[0]
        for t in range(1, len(b)):
            torch.addcmul(b[t], a[t], states[t - 1], out=states[t])
        ctx.save_for_backward(a, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        a, states = ctx.saved_tensors
        towards_b = torch.empty_like(gradient)
        towards_b[-1] = gradient[-1]
        for t in range(len(a) - 2, -1, -1):
            torch.addcmul(gradient[t], a[t + 1], towards_b[t + 1], out=towards_b[t])
        towards_a = torch.empty_like(a)
        towards_a[0] = 0
        torch.mul(towards_b[1:], states[:-1], out=towards_a[1:])
        return towards_a, towards_b


def scan_states(
    hidden_states: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
) -> Tensor:
    """The states of every step, float32 [length, batch, channels, states]; arguments as for :func:`linear_scan`."""
    if delta_bias is not None:
        dt = dt + delta_bias.to(dt.dtype)[..., None]
    if delta_softplus:
        dt = F.softplus(dt)
    dt_first, input_first = dt.permute(2, 0, 1).float(), hidden_states.permute(2, 0, 1).float()
    a = torch.exp(dt_first[..., None] * A)
    b = (dt_first * input_first)[..., None] * B.permute(2, 0, 1)[:, :, None, :].float()
    return _Recurrence.apply(a, b.to(a.dtype))


def linear_scan(
    hidden_states: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    **unused: Any,
) -> Tensor | tuple[Tensor, Tensor]:
    """The selective scan with the arguments of transformers' reference.

    Args:
        hidden_states, dt, z: [batch, channels, length].
        A: [channels, states], negative. B, C: [batch, states, length]. D, delta_bias: [channels].

    Returns:
        [batch, channels, length] and, if asked for, the last state [batch, channels, states]; states are float32.
    """
    dtype = hidden_states.dtype
    states = scan_states(hidden_states, dt, A, B, delta_bias, delta_softplus)
    read_out = C.permute(2, 0, 1)[..., None]
    output = torch.matmul(states.to(dtype), read_out.to(dtype))[..., 0].permute(1, 2, 0)
    if D is not None:
        output = output + hidden_states * D[None, :, None]
    if z is not None:
        output = output * F.silu(z)
    return (output, states[-1]) if return_last_state else output


@torch.compiler.disable  # a loop over the length: unrolled, it would take longer to compile than to train
def _scan(hidden_states: Tensor, *arguments: Any, **named: Any) -> Any:
    if hidden_states.is_cuda and _HAS_CUDA_KERNELS:
        return _REFERENCE(hidden_states, *arguments, **named)
    return linear_scan(hidden_states, *arguments, **named)


def use_linear_scan() -> None:
    """Let transformers' Mamba use :func:`linear_scan` wherever it would fall back to its reference.

    Its advice to install CUDA kernels is silenced where there is no device to run them on.
    """
    modeling_mamba.mamba_selective_scan = _scan
    if not torch.cuda.is_available():
        logging.getLogger("transformers.integrations.hub_kernels").setLevel(logging.ERROR)
