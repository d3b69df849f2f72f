"""Mamba (Gu and Dao 2023): the inner channels are those of the mixer, `expand * hidden` per layer.

The rows of `in_proj` are first the convolution's input and then the gate, so a channel has two. Its bias in the
convolution stays: with the gate's row and the column of `x_proj` and `out_proj` at zero nothing of it is read.

The states of all channels of a layer have one order, that of the columns of `A_log` and of the rows of B and C in
`x_proj`, which come after those of the time step.
"""

from runners.models.dimensions import Axis, Dimension, inputs_of
from runners.models.families import Family
from runners.models.mamba_scan import use_linear_scan
from runners.models.mamba_states import states_of
from runners.sparsity.channels import Layout, Slice

MAMBA = Family(
    name="mamba",
    sizes={
        "layers": "num_hidden_layers",
        "hidden": "hidden_size",
        "state": "state_size",
        "expand": "expand",
        "vocabulary": "vocab_size",
    },
    required=("layers", "hidden"),
    backbone="backbone",
    channels=Layout(
        prefix="backbone.layers.{layer}.mixer",
        layers=lambda config: int(config.num_hidden_layers),
        channels=lambda config: int(config.intermediate_size),
        slices={
            "in_proj": Slice(dimension=0, copies=2),
            "conv1d": Slice(dimension=0),
            "x_proj": Slice(dimension=1),
            "dt_proj": Slice(dimension=0),
            "out_proj": Slice(dimension=1),
        },
    ),
    prepare=use_linear_scan,
    unadaptable=frozenset(["out_proj", "conv1d"]),  # peft 0.21.2, tuners_utils._check_lora_target_modules_mamba
    dimensions={
        "state": Dimension(
            prefix="backbone.layers.{layer}.mixer",
            layers=lambda config: int(config.num_hidden_layers),
            size=lambda config: int(config.state_size),
            axes={"A_log": Axis(1), "x_proj.weight": Axis(0, copies=2)},
            values=states_of,
        ),
        "channel": Dimension(
            prefix="backbone.layers.{layer}.mixer",
            layers=lambda config: int(config.num_hidden_layers),
            size=lambda config: int(config.intermediate_size),
            axes={
                "in_proj.weight": Axis(0, copies=2),
                "in_proj.bias": Axis(0, copies=2),
                "conv1d.weight": Axis(0),
                "conv1d.bias": Axis(0),
                "x_proj.weight": Axis(1),
                "dt_proj.weight": Axis(0),
                "dt_proj.bias": Axis(0),
                "A_log": Axis(0),
                "D": Axis(0),
                "out_proj.weight": Axis(1),
            },
            values=inputs_of("out_proj"),
        ),
    },
)
