"""What a manifest may say of each model family: its sizes, its objectives, and where methods work by default."""

from __future__ import annotations

import re
from typing import NamedTuple

Names = tuple[str, ...]

SIZES: Names = (
    "layers",
    "hidden",
    "state",
    "expand",
    "heads",
    "key_value_heads",
    "intermediate",
    "experts",
    "experts_per_token",
    "positions",
    "vocabulary",
)
"""The fields of the manifest's model that are sizes."""


class Architecture(NamedTuple):
    """A family in the manifest's words.

    ``sizes`` are the size fields that it has. ``adapted`` are the modules that get an adapter, and ``masked`` those
    that a learned mask zeroes, where a manifest names none; ``encoder`` says that it reads in both directions, so that
    there is no next token to predict.
    """

    sizes: Names
    adapted: Names
    masked: Names
    encoder: bool = False


_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_LLAMA = ("layers", "hidden", "heads", "key_value_heads", "intermediate", "positions", "vocabulary")
_GATED = ("gate_proj", "up_proj", "down_proj")

ARCHITECTURES: dict[str, Architecture] = {
    "bert": Architecture(
        sizes=("layers", "hidden", "heads", "intermediate", "positions", "vocabulary"),
        adapted=("query", "key", "value"),
        masked=("intermediate.dense", "output.dense"),
        encoder=True,
    ),
    "gpt": Architecture(sizes=_LLAMA, adapted=_ATTENTION, masked=("up_proj", "down_proj")),
    "gpt2": Architecture(
        sizes=("layers", "hidden", "heads", "intermediate", "positions", "vocabulary"),
        adapted=("c_attn", "c_fc"),
        masked=("c_fc", "c_proj"),
    ),
    "llama": Architecture(sizes=_LLAMA, adapted=_ATTENTION, masked=_GATED),
    "mamba": Architecture(
        sizes=("layers", "hidden", "state", "expand", "vocabulary"),
        adapted=("in_proj", "x_proj"),
        masked=("in_proj", "conv1d", "x_proj", "out_proj"),
    ),
    "mistral": Architecture(sizes=_LLAMA, adapted=_ATTENTION, masked=_GATED),
    "mixtral": Architecture(
        sizes=(*_LLAMA, "experts", "experts_per_token"),
        adapted=_ATTENTION,
        masked=("gate_up_proj", "down_proj"),
    ),
}
"""By the name that transformers gives a family. A family of a third party may be missing here: what it needs is then
stated in the manifest."""

MAMBAS = frozenset({"falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"})
"""Families of which peft adapts no module of :data:`UNADAPTED` (0.21.2, `tuners/tuners_utils.py`
`_check_lora_target_modules_mamba`)."""
UNADAPTED = frozenset({"out_proj", "conv1d"})
EXPERT_MODULES = frozenset({"gate_proj", "up_proj", "down_proj", "gate_up_proj", "w1", "w2", "w3", "gate", "router"})
"""What the modules of experts, and their router, are called. transformers 5 keeps the experts of a layer stacked, and
peft (0.21.2, `utils/transformers_weight_conversion.py`) turns such targets into parameters of twice the rank."""
_MIXTURE = re.compile(r"moe|mixtral|gpt_oss|deepseek_v[234]|llama4|aria|dbrx|jamba|qwen3_next")


def is_mixture(family: str | None, experts: object = None) -> bool:
    """Whether a model has experts: by their stated number, or by its family's name."""
    return bool(experts) or (family is not None and _MIXTURE.search(family) is not None)


def unadapted(family: str | None, target: str) -> bool:
    """Whether peft refuses an adapter on a module of a family."""
    return family in MAMBAS and target.rpartition(".")[2] in UNADAPTED


def of_experts(target: str) -> bool:
    """Whether a target of an adapter reaches a mixture's experts or router."""
    return target.rpartition(".")[2] in EXPERT_MODULES or target == "all-linear"
