"""Switches of home-grown configs and of trainers that are read by their keys' names.

nanoGPT's `decay_lr = False` keeps the learning rate as it is, without a warmup (train.py). `litgpt finetune` does not
read `min_lr`, `litgpt pretrain` does (0.5.13).
"""

from __future__ import annotations

from typing import Any

from framework.dialects.switches.applying import Switch, off, unknown
from framework.dialects.terms import Scope


def _litgpt(word: Any, scope: Scope) -> bool:
    """Whether the section is LitGPT's `train`."""
    return "lr_warmup_steps" in scope and {"global_batch_size", "micro_batch_size"} <= scope.keys()


PROGRAMS = (
    *(Switch(key, off, {"adapter.lora.*": None})
      for key in ("use_lora", "use_peft", "lora", "lora.enabled", "peft.enabled", "adapter.enabled", "lora.use_lora")),
    *(Switch(key, off, {"early_stopping.*": None})
      for key in ("early_stopping", "use_early_stopping", "early_stopping.enabled")),
    Switch("decay_lr", off, {"schedule.min_learning_rate": None, "schedule.warmup.steps": 0}),
    Switch("min_lr", _litgpt,
           unknown("LitGPT's finetuning does not read it, its pretraining does", "schedule.min_learning_rate")),
)  # fmt: skip
