"""GPT-2 (Radford et al. 2019): the inner channels are those of the feed-forward layers.

Its weights are stored input first, so a channel is a column of `c_fc` and a row of `c_proj`, and a head is columns of
the queries, the keys and the values in `c_attn` and rows of the attention's `c_proj`. The bias of `c_fc` stays:
with the row of `c_proj` at zero nothing of it is read.
"""

from runners.models.dimensions import Axis, Dimension, inputs_of
from runners.models.families import Family
from runners.sparsity.channels import Layout, Slice

GPT2 = Family(
    name="gpt2",
    sizes={
        "layers": "n_layer",
        "hidden": "n_embd",
        "heads": "n_head",
        "intermediate": "n_inner",
        "vocabulary": "vocab_size",
    },
    required=("layers", "hidden", "heads"),
    backbone="transformer",
    channels=Layout(
        prefix="transformer.h.{layer}.mlp",
        layers=lambda config: int(config.n_layer),
        channels=lambda config: int(config.n_inner or 4 * config.n_embd),
        slices={"c_fc": Slice(dimension=1), "c_proj": Slice(dimension=0)},
    ),
    heads=Layout(
        prefix="transformer.h.{layer}.attn",
        layers=lambda config: int(config.n_layer),
        channels=lambda config: int(config.n_head),
        slices={"c_attn": Slice(dimension=1, copies=3), "c_proj": Slice(dimension=0)},
    ),
    dimensions={
        "channel": Dimension(
            prefix="transformer.h.{layer}.mlp",
            layers=lambda config: int(config.n_layer),
            size=lambda config: int(config.n_inner or 4 * config.n_embd),
            axes={"c_fc.weight": Axis(1), "c_fc.bias": Axis(0), "c_proj.weight": Axis(0)},
            values=inputs_of("c_proj"),
        )
    },
)
