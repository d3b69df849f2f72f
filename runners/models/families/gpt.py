"""The project's own decoder (:mod:`runners.models.gpt`): a GPT-2 by default, whose parts are switches.

Its tensors have Llama's names. The inner channels are those of the feed-forward layers, with a gate or without.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runners.models.families import Family, gated


def _known() -> None:
    import runners.models.gpt.language_model  # noqa: F401  it makes itself known to transformers


def _gated(config: Any) -> bool:
    return bool(config.switches["activation"] == "swiglu")


GPT = Family(
    name="gpt",
    sizes=gated.SIZES,
    required=("layers", "hidden", "heads", "positions"),
    implied=gated.IMPLIED,
    backbone="model",
    prepare=_known,
    channels=replace(gated.CHANNELS, optional={"gate_proj": _gated}),
    heads=gated.HEADS,
    dimensions={"channel": replace(gated.CHANNEL, optional=frozenset(["gate_proj.weight"]))},
    switches=True,
)
