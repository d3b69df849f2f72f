"""BERT (Devlin et al. 2019): the inner channels are those of the feed-forward layers.

The biases of `intermediate.dense`, and those of queries, keys and values, stay: with the column of the next map at zero
nothing of them is read. `output.dense` is the feed-forward layer's here, counted from the layer; as the end of a name
it is the attention's `attention.output.dense` too.
"""

from runners.models.dimensions import Axis, Dimension, inputs_of
from runners.models.families import Family
from runners.sparsity.channels import Layout, Slice

_LAYER = "bert.encoder.layer.{layer}"

BERT = Family(
    name="bert",
    sizes={
        "layers": "num_hidden_layers",
        "hidden": "hidden_size",
        "heads": "num_attention_heads",
        "intermediate": "intermediate_size",
        "positions": "max_position_embeddings",
        "vocabulary": "vocab_size",
    },
    required=("layers", "hidden", "heads", "intermediate"),
    backbone="bert",
    channels=Layout(
        prefix=_LAYER,
        layers=lambda config: int(config.num_hidden_layers),
        channels=lambda config: int(config.intermediate_size),
        slices={"intermediate.dense": Slice(dimension=0), "output.dense": Slice(dimension=1)},
    ),
    heads=Layout(
        prefix=f"{_LAYER}.attention",
        layers=lambda config: int(config.num_hidden_layers),
        channels=lambda config: int(config.num_attention_heads),
        slices={
            "self.query": Slice(dimension=0),
            "self.key": Slice(dimension=0),
            "self.value": Slice(dimension=0),
            "output.dense": Slice(dimension=1),
        },
    ),
    dimensions={
        "channel": Dimension(
            prefix=_LAYER,
            layers=lambda config: int(config.num_hidden_layers),
            size=lambda config: int(config.intermediate_size),
            axes={
                "intermediate.dense.weight": Axis(0),
                "intermediate.dense.bias": Axis(0),
                "output.dense.weight": Axis(1),
            },
            values=inputs_of("output.dense"),
        )
    },
    encoder=True,
    segments=True,
    head="BertForSequenceClassification",
    refuses={"causal_lm": "it is an encoder and reads what it would have to predict"},
)
