"""What a `gpt` is made of: norms, attention, feed-forward layers, blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from framework.manifest.sections.values.switches import Switches
from runners.models.gpt.gpt_config import GPTConfig

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines, float32 [examples or 1, 1, length, head size]."""


def norm_of(switches: Switches, width: int) -> nn.Module:
    """A norm over the last dimension."""
    if switches.norm == "rmsnorm":
        return nn.RMSNorm(width, eps=switches.norm_eps)
    return nn.LayerNorm(width, eps=switches.norm_eps, bias=switches.biases)


def _relu_squared(inputs: Tensor) -> Tensor:
    return F.relu(inputs).square()


def _gelu_tanh(inputs: Tensor) -> Tensor:
    return F.gelu(inputs, approximate="tanh")


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": _gelu_tanh,
    "swiglu": F.silu,
    "relu": F.relu,
    "relu_squared": _relu_squared,
}


def rotation(positions: Tensor, head_size: int, base: float) -> Rotation:
    """The angles of rotary positions (Su et al. 2021, section 3.2.2), the two halves of a head being the pairs, as in
    Llama.

    Args:
        positions: int64 [examples or 1, length].
    """
    frequencies = base ** -(torch.arange(0, head_size, 2, device=positions.device, dtype=torch.float32) / head_size)
    angles = positions.float()[:, None, :, None] * torch.cat([frequencies, frequencies])
    return angles.cos(), angles.sin()


def rotated(states: Tensor, by: Rotation) -> Tensor:
    """Queries or keys [examples, heads, length, head size], turned."""
    cosines, sines = (each.to(states.dtype) for each in by)
    first, second = states.chunk(2, dim=-1)
    return states * cosines + torch.cat([-second, first], dim=-1) * sines


class Added(nn.Linear):
    """A linear layer whose output is added to the residual stream."""


class Attention(nn.Module):
    """Causal self-attention by torch's `scaled_dot_product_attention`."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        switches, width = config.parts, config.head_size
        self.heads, self.groups, self.width = config.num_attention_heads, config.num_key_value_heads, width
        self.dropout = switches.dropouts.attention
        narrow, bias = self.groups * width, switches.biases
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=bias)
        self.k_proj = nn.Linear(config.hidden_size, narrow, bias=bias)
        self.v_proj = nn.Linear(config.hidden_size, narrow, bias=bias)
        self.o_proj = Added(config.hidden_size, config.hidden_size, bias=bias)
        self.q_norm = norm_of(switches, width) if switches.qk_norm else nn.Identity()
        self.k_norm = norm_of(switches, width) if switches.qk_norm else nn.Identity()

    def forward(self, states: Tensor, turned: Rotation | None, allowed: Tensor | None) -> Tensor:
        """States [examples, length, hidden] in and out; ``allowed`` is bool [examples, 1, length, length] where some
        tokens are padding."""
        examples, length, _ = states.shape
        queries = self.q_norm(self._split(self.q_proj(states), self.heads))
        keys = self.k_norm(self._split(self.k_proj(states), self.groups))
        values = self._split(self.v_proj(states), self.groups)
        if turned is not None:
            queries, keys = rotated(queries, turned), rotated(keys, turned)
        if self.groups != self.heads:
            keys, values = (each.repeat_interleave(self.heads // self.groups, dim=1) for each in (keys, values))
        mixed = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=allowed,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=allowed is None,
        )
        out: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(examples, length, -1))
        return out

    def _split(self, states: Tensor, heads: int) -> Tensor:
        return states.view(*states.shape[:2], heads, self.width).transpose(1, 2)


class FeedForward(nn.Module):
    """One hidden layer, with a gate where the activation has one."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        switches = config.parts
        self.activation = ACTIVATIONS[switches.activation]
        wide, bias = config.intermediate_size, switches.biases
        self.gate_proj = nn.Linear(config.hidden_size, wide, bias=bias) if switches.activation == "swiglu" else None
        self.up_proj = nn.Linear(config.hidden_size, wide, bias=bias)
        self.down_proj = Added(wide, config.hidden_size, bias=bias)

    def forward(self, states: Tensor) -> Tensor:
        if self.gate_proj is None:
            inner = self.activation(self.up_proj(states))
        else:
            inner = self.activation(self.gate_proj(states)) * self.up_proj(states)
        out: Tensor = self.down_proj(inner)
        return out


class Block(GradientCheckpointingLayer):
    """Attention and feed-forward, each added to what it reads."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        switches = config.parts
        self.after = switches.norm_place == "after"
        self.self_attn, self.mlp = Attention(config), FeedForward(config)
        self.input_layernorm = norm_of(switches, config.hidden_size)
        self.post_attention_layernorm = norm_of(switches, config.hidden_size)
        self.dropout = nn.Dropout(switches.dropouts.residual)

    def forward(self, states: Tensor, turned: Rotation | None, allowed: Tensor | None) -> Tensor:
        if self.after:
            states = self.input_layernorm(states + self.dropout(self.self_attn(states, turned, allowed)))
            done: Tensor = self.post_attention_layernorm(states + self.dropout(self.mlp(states)))
            return done
        states = states + self.dropout(self.self_attn(self.input_layernorm(states), turned, allowed))
        return states + self.dropout(self.mlp(self.post_attention_layernorm(states)))
