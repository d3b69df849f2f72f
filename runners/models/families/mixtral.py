"""Mixtral (Jiang et al. 2024): a Mistral with several feed-forward experts, of which a router chooses for each token.

transformers keeps the experts of a layer in two tensors, `gate_up_proj` [experts, 2 * intermediate, hidden] and
`down_proj` [experts, hidden, intermediate]. Each expert has inner channels of its own, which go with their three
slices. The router (`mlp.gate`) has none: no selection of channels reaches it, and a list of modules only where it
names `gate`.
"""

from runners.models.families import Family, gated
from runners.sparsity.channels import Layout, Slice

MIXTRAL = Family(
    name="mixtral",
    sizes={**gated.SIZES, "experts": "num_local_experts", "experts_per_token": "num_experts_per_tok"},
    required=(*gated.REQUIRED, "experts"),
    implied=gated.IMPLIED,
    backbone="model",
    channels=Layout(
        prefix="model.layers.{layer}.mlp.experts",
        layers=lambda config: int(config.num_hidden_layers),
        channels=lambda config: int(config.num_local_experts * config.intermediate_size),
        slices={
            "gate_up_proj": Slice(dimension=1, copies=2, stacked=True),
            "down_proj": Slice(dimension=2, stacked=True),
        },
        suffix="",
    ),
    heads=gated.HEADS,
    refuses={
        "permute": "its channels belong to single experts, and a permutation gives each layer one order",
        "adapter": "its experts lie in tensors that are no modules, and an adapter sits on a module",
    },
)
