"""Options that make plain LoRA another method, or adapt other weights.

Read in peft 0.21.2 (tuners/lora/config.py); axolotl 0.19, LLaMA-Factory 0.9.5, TRL 1.16 and ms-swift 4.6 hand them on.
"""

from __future__ import annotations

from typing import Any

from framework.dialects.switches.applying import Switch, on, unknown
from framework.dialects.terms import Scope


def _taken_out(word: Any, scope: Scope) -> bool:
    return isinstance(word, str) and word not in ("gaussian", "orthogonal")


_DORA = "DoRA scales the columns of the whole weight, beside the update"
ADAPTERS = (
    *(Switch(key, on, unknown(_DORA, "adapter.lora.alpha")) for key in ("use_dora", "peft_use_dora")),
    *(Switch(key, on, unknown(f"`{key}` trains further modules whole", "adapter.lora.targets"))
      for key in ("lora_modules_to_save", "modules_to_save", "additional_target")),
    Switch("peft_layers_to_transform", lambda word, scope: True,
           unknown("`peft_layers_to_transform` adapts some of the layers only", "adapter.lora.targets")),
    *(Switch(key, on, unknown(f"`{key}` multiplies the rate of half the adapter", "optimizer.learning_rate"))
      for key in ("loraplus_lr_ratio",)),
    *(Switch(key, hold, unknown(f"`{key}` takes the adapter out of the weights, which are others without it",
                                "adapter.lora.targets"))
      for key, hold in (("pissa_init", on), ("init_lora_weights", _taken_out), ("peft_init_lora_weights", _taken_out),
                        ("init_weights", _taken_out))),
)  # fmt: skip
