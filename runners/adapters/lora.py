"""LoRA (Hu et al. 2021) through peft: W + (alpha / rank) B A on every target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from framework.errors import FrameworkError
from framework.manifest.methods import LoRA
from runners.adapters.adapter import TrainedAdapter
from runners.adapters.masked import MaskedLinear, hold_masks
from runners.files import whole_folder
from runners.seeds import seed_everything

ADAPTER = "adapter"
_NAME = "default"
_PREFIX = "base_model.model."


class LoRAAdapter(TrainedAdapter):
    """LoRA on the modules whose name is a target or ends in one; a classification head is trained in full.

    Raises:
        FrameworkError: peft has no adapter for a target, no module is called so, or a masked update was asked for
            where no mask is.
    """

    def __init__(self, specification: LoRA, model: nn.Module, masks: Mapping[str, Tensor], seed: int):
        self.specification = specification
        config = LoraConfig(
            r=specification.rank,
            lora_alpha=specification.alpha,  # type: ignore[arg-type]
            lora_dropout=specification.dropout,
            target_modules=list(specification.targets),
            modules_to_save=["classifier"] if hasattr(model, "classifier") else None,
            bias="none",
            fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        )
        if specification.masked:
            config._register_custom_module({nn.Linear: MaskedLinear, Conv1D: MaskedLinear})
        seed_everything(seed, "adapter")
        try:
            self.model: Any = get_peft_model(model, config)
        except ValueError as problem:
            raise FrameworkError(f"adapter.lora.targets: {problem}") from problem
        self.layers: dict[str, Any] = {
            name.removeprefix(_PREFIX): module
            for name, module in self.model.named_modules()
            if isinstance(module, LoraLayer)
        }
        for target in specification.targets:
            if not any(f".{name}".endswith(f".{target}") for name in self.layers):
                raise FrameworkError(f"adapter.lora.targets: no module is called {target!r}")
        if specification.masked:
            hold_masks(self.layers, masks)
        self._alive: set[str] = set()

    def after_backward(self) -> None:
        for name in self.layers.keys() - self._alive:
            if any(weight.grad is not None and bool(weight.grad.any()) for weight in self._weights(name)):
                self._alive.add(name)

    def _weights(self, name: str) -> list[Tensor]:
        layer = self.layers[name]
        return [layer.lora_A[_NAME].weight, layer.lora_B[_NAME].weight]

    def facts(self) -> dict[str, Any]:
        specification = self.specification
        return {
            "kind": "lora",
            "rank": specification.rank,
            "alpha": specification.alpha,
            "dropout": specification.dropout,
            "masked": specification.masked,
            "targets": sorted(self.layers),
            "parameters": sum(weight.numel() for name in self.layers for weight in self._weights(name)),
            "dead": sorted(self.layers.keys() - self._alive),
        }

    def save(self, run_folder: Path) -> None:
        with whole_folder(run_folder / ADAPTER) as folder:
            self.model.save_pretrained(folder)
            (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card

    def merge(self) -> nn.Module:
        return self.model.merge_and_unload()  # type: ignore[no-any-return]
