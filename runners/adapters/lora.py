"""LoRA (Hu et al. 2021) through peft: W + (alpha / rank) B A on every target, dense or over masked weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from framework.errors import FrameworkError
from framework.evidence.atomic import whole_folder
from framework.manifest.sections.methods import LoRA
from runners.adapters.adapter import TrainedAdapter
from runners.adapters.alive import Alive
from runners.adapters.configuration import SparseLoraConfig
from runners.adapters.masked_lora import SPARSE_TO_DENSE, hold_masks
from runners.adapters.saved import digest_of, save_sparse_lora
from runners.seeds import seed_everything

ADAPTER = "adapter"
DENSE = "dense"
_NAME = "default"
_PREFIX = "base_model.model."


class LoRAAdapter(TrainedAdapter):
    """LoRA on the modules whose name is a target or ends in one; a classification head is trained in full.

    Raises:
        FrameworkError: peft has no adapter for a target, no module is called so, or the mode and the masks exclude each
            other.
    """

    def __init__(self, specification: LoRA, model: nn.Module, masks: Mapping[str, Tensor], seed: int):
        self.specification = specification
        self.mode = mode_of(specification, masks)
        stated: dict[str, Any] = {
            "r": specification.rank,
            "lora_alpha": specification.alpha,
            "lora_dropout": specification.dropout,
            "target_modules": list(specification.targets),
            "modules_to_save": ["classifier"] if hasattr(model, "classifier") else None,
            "bias": "none",
            "fan_in_fan_out": any(isinstance(module, Conv1D) for module in model.modules()),
        }
        config = LoraConfig(**stated) if self.mode == DENSE else SparseLoraConfig(**stated, mode=self.mode)
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
        for name, layer in self.layers.items():
            if (other := _tied(self.model, name, layer)) is not None:
                raise FrameworkError(
                    f"adapter.lora.targets: {name} is tied to {other}, and a merge would change both: leave it out, or "
                    "train a model whose head is a matrix of its own"
                )
        self.masks = {} if self.mode == DENSE else hold_masks(self.layers, masks)
        self._alive = Alive()

    def after_backward(self) -> None:
        self._alive.seen(self.layers.keys(), self._weights)

    def read(self) -> None:
        self._alive.read()

    def state(self) -> dict[str, Any]:
        return {"alive": sorted(self._alive.read())}

    def load_state(self, state: dict[str, Any]) -> None:
        self._alive.load(state["alive"])

    def _weights(self, name: str) -> list[Tensor]:
        layer = self.layers[name]
        return [layer.lora_A[_NAME].weight, layer.lora_B[_NAME].weight]

    def trained_weights(self) -> Iterator[tuple[str, Tensor]]:
        for name, layer in self.layers.items():
            yield f"{name}.weight", layer.get_base_layer().weight + layer.get_delta_weight(_NAME)

    def facts(self) -> dict[str, Any]:
        specification = self.specification
        return {
            "kind": "lora",
            "mode": self.mode,
            "rank": specification.rank,
            "alpha": specification.alpha,
            "dropout": specification.dropout,
            "targets": sorted(self.layers),
            "unmasked": sorted(name for name in self.layers if f"{name}.weight" not in self.masks),
            "mask_sha256": digest_of(self.masks) if self.masks else None,
            "parameters": sum(weight.numel() for name in self.layers for weight in self._weights(name)),
            "dead": sorted(self.layers.keys() - self._alive.read()),
        }

    def save(self, run_folder: Path) -> None:
        with whole_folder(run_folder / ADAPTER) as folder:
            self.model.create_or_update_model_card = lambda *_: None  # it would be empty
            if self.mode == DENSE:
                self.model.save_pretrained(folder)
            else:
                save_sparse_lora(self.model, folder)
            (folder / "README.md").unlink(missing_ok=True)  # that of a model which wraps this one

    def merge(self) -> nn.Module:
        return self.model.merge_and_unload()  # type: ignore[no-any-return]


def _tied(model: nn.Module, name: str, layer: Any) -> str | None:
    """Another module's weight that is the very one of a target."""
    weight = layer.get_base_layer().weight
    for other, parameter in model.named_parameters(remove_duplicate=False):
        own = other.removeprefix(_PREFIX).replace(".base_layer.", ".")
        if parameter is weight and own != f"{name}.weight":
            return own
    return None


def mode_of(specification: LoRA, masks: Mapping[str, Tensor]) -> str:
    """The declared mode, or by default the one that fits the masks of the targets.

    Raises:
        FrameworkError: it is not possible with these masks.
    """
    held = [
        name
        for name in masks
        if any(f".{name.removesuffix('.weight')}".endswith(f".{target}") for target in specification.targets)
    ]
    mode = specification.mode or (SPARSE_TO_DENSE if held else DENSE)
    if mode == DENSE and held:
        raise FrameworkError(
            f"adapter.lora.mode: dense, but masks hold {len(held)} of its targets, such as {held[0]}, and a plain "
            "merge would fill their zeros; say sparse_to_dense or sparse_to_sparse"
        )
    if mode != DENSE and not held:
        raise FrameworkError(f"adapter.lora.mode: {mode}, but no step before has left a mask for any of its targets")
    return mode
