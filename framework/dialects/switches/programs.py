"""Switches of home-grown configs and of trainers that are read by their keys' names.

nanoGPT's `decay_lr = False` keeps the learning rate as it is, without a warmup (train.py). `litgpt finetune` does not
read `min_lr`, `litgpt pretrain` does (0.5.13). Megatron's `--use-checkpoint-opt_param-scheduler` lets what a checkpoint
says of the schedule go before the flags (megatron-core 0.16.1, `core/optimizer_param_scheduler.py`).
"""

from __future__ import annotations

from typing import Any

from framework.dialects.switches.applying import Switch, off, on, unknown
from framework.dialects.terms import Scope


def _litgpt(word: Any, scope: Scope) -> bool:
    """Whether the section is LitGPT's `train`."""
    return "lr_warmup_steps" in scope and {"global_batch_size", "micro_batch_size"} <= scope.keys()


PROGRAMS = (
    *(Switch(key, off, {"adapter.lora.*": None})
      for key in ("use_lora", "use_peft", "lora", "lora.enabled", "peft.enabled", "adapter.enabled", "lora.use_lora")),
    *(Switch(key, off, {"early_stopping.*": None})
      for key in ("early_stopping", "use_early_stopping", "early_stop", "early_stopping.enabled",
                  "early_stopping.enable", "early_stopping.active", "early_stopping.use_early_stopping")),
    Switch("decay_lr", off, {"schedule.min_learning_rate": None, "schedule.warmup.steps": 0}),
    Switch("use_checkpoint_opt_param_scheduler", on,
           unknown("`--use-checkpoint-opt_param-scheduler` takes it from the checkpoint that is loaded",
                   "optimizer.learning_rate", "optimizer.weight_decay", "schedule.name", "schedule.warmup.*",
                   "schedule.min_learning_rate")),
    Switch("min_lr", _litgpt,
           unknown("LitGPT's finetuning does not read it, its pretraining does", "schedule.min_learning_rate")),
)  # fmt: skip
