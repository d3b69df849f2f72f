"""Llama (Touvron et al. 2023): the inner channels are those of the gated feed-forward layers."""

from runners.models.dimensions import Axis, Dimension, inputs_of
from runners.models.families import Family
from runners.sparsity.channels import Layout, Slice

LLAMA = Family(
    name="llama",
    sizes={
        "layers": "num_hidden_layers",
        "hidden": "hidden_size",
        "heads": "num_attention_heads",
        "intermediate": "intermediate_size",
        "vocabulary": "vocab_size",
    },
    required=("layers", "hidden", "heads", "intermediate"),
    backbone="model",
    channels=Layout(
        prefix="model.layers.{layer}.mlp",
        layers=lambda config: int(config.num_hidden_layers),
        channels=lambda config: int(config.intermediate_size),
        slices={"gate_proj": Slice(dimension=0), "up_proj": Slice(dimension=0), "down_proj": Slice(dimension=1)},
    ),
    heads=Layout(
        prefix="model.layers.{layer}.self_attn",
        layers=lambda config: int(config.num_hidden_layers),
        channels=lambda config: int(config.num_key_value_heads),
        slices={
            "q_proj": Slice(dimension=0),
            "k_proj": Slice(dimension=0),
            "v_proj": Slice(dimension=0),
            "o_proj": Slice(dimension=1),
        },
    ),
    dimensions={
        "channel": Dimension(
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
    },
)
