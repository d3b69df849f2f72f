"""What is trained in the place of the full weights, on top of peft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.registry import Registry

if TYPE_CHECKING:
    from runners.adapters.adapter import TrainedAdapter

ADAPTERS: Registry[type[TrainedAdapter]] = Registry(
    "adapter",
    "framework.adapters",
    {"lora": "runners.adapters.lora:LoRAAdapter", "sgh": "runners.adapters.sgh:HybridAdapter"},
)
