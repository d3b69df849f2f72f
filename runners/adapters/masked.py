"""Masked LoRA: training sees W + ((alpha / rank) B A) * M, so that the merged model is the trained one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from peft.tuners.lora.layer import Linear, LoraVariant
from torch import Tensor

from framework.errors import FrameworkError


class _Masked(LoraVariant):
    """The update, times the mask that its layer holds as ``keep``."""

    @staticmethod
    def init(module: Any, adapter_name: str, **_: Any) -> None:
        pass

    @staticmethod
    def forward(module: Any, active_adapter: str, x: Tensor, result: Tensor, **_: Any) -> Tensor:
        update = _update(module, active_adapter)
        dropped = module.lora_dropout[active_adapter](x)
        return result + F.linear(dropped, update.T if module.fan_in_fan_out else update)

    @staticmethod
    def merge_unsafe(module: Any, active_adapter: str, orig_weight: Tensor) -> None:
        orig_weight.data += _update(module, active_adapter)


def _update(module: Any, adapter: str) -> Tensor:
    update = module.get_delta_weight(adapter)
    return update * module.keep.to(update.dtype)


class MaskedLinear(Linear):
    """peft's LoRA layer with the masked update. What peft saves does not say so: the run record does."""

    def resolve_lora_variant(self, *, config: Any, **_: Any) -> LoraVariant:
        return _Masked()


def hold_masks(layers: Mapping[str, Any], masks: Mapping[str, Tensor]) -> None:
    """Give each adapted layer (by module name) its weight's mask, as a buffer that is not saved.

    Raises:
        FrameworkError: a layer's weight has no mask.
    """
    for name, layer in layers.items():
        mask = masks.get(f"{name}.weight")
        if mask is None:
            raise FrameworkError(f"adapter.lora.masked: no step before has left a mask for {name}.weight")
        layer.register_buffer("keep", mask, persistent=False)
