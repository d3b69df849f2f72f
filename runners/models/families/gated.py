"""What Llama, Mistral and Mixtral share: grouped attention heads, and gated feed-forward layers."""

from __future__ import annotations

from runners.models.dimensions import Axis, Dimension, inputs_of
from runners.sparsity.channels import Layout, Slice

SIZES = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
    "vocabulary": "vocab_size",
}
REQUIRED = ("layers", "hidden", "heads", "intermediate")
IMPLIED = {"key_value_heads": "heads"}
"""Their configurations have defaults of their own, and not alike: 8 for Mistral and Mixtral, whatever the heads are."""

HEADS = Layout(
    prefix="model.layers.{layer}.self_attn",
    layers=lambda config: int(config.num_hidden_layers),
    channels=lambda config: int(config.num_key_value_heads),
    slices={
        "q_proj": Slice(dimension=0),
        "k_proj": Slice(dimension=0),
        "v_proj": Slice(dimension=0),
        "o_proj": Slice(dimension=1),
    },
)
"""A key-value head and the attention heads that share it, which lie next to each other: one goes with the others."""

CHANNELS = Layout(
    prefix="model.layers.{layer}.mlp",
    layers=lambda config: int(config.num_hidden_layers),
    channels=lambda config: int(config.intermediate_size),
    slices={"gate_proj": Slice(dimension=0), "up_proj": Slice(dimension=0), "down_proj": Slice(dimension=1)},
)

CHANNEL = Dimension(
    prefix="model.layers.{layer}.mlp",
    layers=lambda config: int(config.num_hidden_layers),
    size=lambda config: int(config.intermediate_size),
    axes={
        "gate_proj.weight": Axis(0),
        "gate_proj.bias": Axis(0),
        "up_proj.weight": Axis(0),
        "up_proj.bias": Axis(0),
        "down_proj.weight": Axis(1),
    },
    values=inputs_of("down_proj"),
)
