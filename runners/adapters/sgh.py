"""Sparsity-guided hybrid adapters: by importance, a module gets high-rank LoRA, low-rank LoRA, IA3, or stays frozen.

LoRA (Hu et al. 2021) is W + (alpha / rank) B A, IA3 (Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is
Better and Cheaper than In-Context Learning") multiplies each output of a module by a learned factor. Both are peft's
layers, put in with `inject_adapter_in_model`: one `PeftModel` cannot hold both, since peft combines IA3 with nothing
(it is not among the types of `PeftMixedModel`), but the layers themselves are independent of each other, and no module
has two. Two ranks are one LoRA with `rank_pattern` and `alpha_pattern`.

A weight that masks hold is trained as (W + update) * M (:mod:`runners.adapters.masked_lora`), so that the merged model
is the trained one; the factors of IA3 keep zeros as they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from peft import IA3Config, LoraConfig, PeftConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import transpose
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from framework.errors import FrameworkError
from framework.evidence.atomic import whole_folder
from framework.manifest.sections.methods import SGH
from runners.adapters.adapter import TrainedAdapter
from runners.adapters.alive import Alive
from runners.adapters.configuration import SparseLoraConfig
from runners.adapters.importance import GROUPS, groups_of, importance_of
from runners.adapters.lora import ADAPTER
from runners.adapters.masked_lora import SPARSE_TO_SPARSE, SparseLinear, hold_masks
from runners.adapters.saved import digest_of
from runners.seeds import seed_everything
from runners.sparsity.masks import save_masks
from runners.sparsity.selection import weights_of

GROUPS_FILE = "groups.json"
_NAME = "default"
_PREFIX = "base_model.model."
_HEAD = "classifier"
_LORA, _IA3 = "lora", "ia3"


class HybridAdapter(TrainedAdapter):
    """Hybrid adapters on the modules whose name is a target or ends in one; a classification head is trained in full.

    Raises:
        FrameworkError: masks are the importance and a target has none, no module is called so, every target would stay
            frozen, or peft has no adapter for one.
    """

    def __init__(self, specification: SGH, model: nn.Module, masks: Mapping[str, Tensor], seed: int):
        self.specification = specification
        weights = _by_module(weights_of(model, specification.targets))
        own = {name: mask for name, mask in _by_module(masks).items() if name in weights}
        self.importance = importance_of(specification, weights, own)
        self.groups = groups_of(specification, self.importance)
        self.masked = bool(own)
        if all(group == "frozen" for group in self.groups.values()):
            most = max(self.importance.values())
            raise FrameworkError(
                f"adapter.sgh.thresholds: every target stays frozen, the most important has {most:.4g} and the last "
                f"threshold is {specification.thresholds[-1]:g}"
            )
        self.model: Any = model
        self.configs = self._configs()
        seed_everything(seed, "adapter")
        for config in self.configs.values():
            _inject(config, model)
        self.layers: dict[str, Any] = {
            name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)
        }
        sparse = {name: layer for name, layer in self.layers.items() if isinstance(layer, SparseLinear)}
        self.masks = hold_masks(sparse, masks)  # a target without a mask of its own is updated everywhere
        if self.masked and _LORA in self.configs:
            self.configs[_LORA].mask_sha256 = digest_of(self.masks)
        trained = {id(weight) for name in self.layers for weight in self._weights(name).values()}
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(id(parameter) in trained or name.startswith(f"{_HEAD}."))
        self._alive = Alive()

    def rank(self, name: str) -> int:
        """The rank of a module's LoRA, 0 where it has none."""
        return {"high": self.specification.high_rank, "low": self.specification.low_rank}.get(self.groups[name], 0)

    def alpha(self, name: str) -> float:
        """By default twice the rank: a scale of 2 in both groups."""
        return self.specification.alpha or 2 * self.rank(name)

    def _configs(self) -> dict[str, Any]:
        """peft's configurations, by the folder that they are saved in; none for a kind that no module has."""
        swapped = any(isinstance(module, Conv1D) for module in self.model.modules())
        configs: dict[str, Any] = {}
        if ranked := [name for name in self.groups if self.rank(name)]:
            kind: Any = partial(SparseLoraConfig, mode=SPARSE_TO_SPARSE) if self.masked else LoraConfig
            configs[_LORA] = kind(
                r=self.specification.low_rank,
                lora_alpha=self.specification.alpha or 2 * self.specification.low_rank,
                lora_dropout=self.specification.dropout,
                target_modules=ranked,
                rank_pattern={name: self.rank(name) for name in ranked},
                alpha_pattern={name: self.alpha(name) for name in ranked},
                bias="none",
                fan_in_fan_out=swapped,
            )
        if scaled := [name for name, group in self.groups.items() if group == "ia3"]:
            configs[_IA3] = IA3Config(target_modules=scaled, feedforward_modules=[], fan_in_fan_out=swapped)
        return configs

    def _weights(self, name: str) -> dict[str, Tensor]:
        """A module's trained tensors, by the end of their name in peft's files."""
        layer = self.layers[name]
        if self.groups[name] == "ia3":
            return {"ia3_l": layer.ia3_l[_NAME]}
        return {"lora_A.weight": layer.lora_A[_NAME].weight, "lora_B.weight": layer.lora_B[_NAME].weight}

    def after_backward(self) -> None:
        self._alive.seen(self.layers.keys(), lambda name: self._weights(name).values())

    def read(self) -> None:
        self._alive.read()

    def state(self) -> dict[str, Any]:
        return {"alive": sorted(self._alive.read())}

    def load_state(self, state: dict[str, Any]) -> None:
        self._alive.load(state["alive"])

    def trained_weights(self) -> Iterator[tuple[str, Tensor]]:
        for name, layer in self.layers.items():
            weight = layer.get_base_layer().weight
            if self.groups[name] == "ia3":
                yield f"{name}.weight", weight * transpose(layer.ia3_l[_NAME], layer.fan_in_fan_out)
            else:
                yield f"{name}.weight", weight + layer.get_delta_weight(_NAME)

    def _modules(self) -> dict[str, dict[str, Any]]:
        return {name: {"importance": self.importance[name], "group": group} for name, group in self.groups.items()}

    def facts(self) -> dict[str, Any]:
        numbers = Counter(self.groups.values())
        return {
            "kind": "sgh",
            **self.specification.model_dump(mode="json", exclude={"targets", "alpha"}),
            "alpha": self.specification.alpha,
            "masked": self.masked,
            "mask_sha256": digest_of(self.masks) if self.masks else None,
            "modules": self._modules(),
            "groups": {group: numbers[group] for group in GROUPS},
            "targets": sorted(self.layers),
            "parameters": sum(weight.numel() for name in self.layers for weight in self._weights(name).values()),
            "dead": sorted(self.layers.keys() - self._alive.read()),
        }

    def save(self, run_folder: Path) -> None:
        """`lora/` and `ia3/`, each as peft saves it, `groups.json`, and the masks of the LoRA beside it, where it has
        some: plain peft then refuses it."""
        said = self.specification.model_dump(mode="json")
        with whole_folder(run_folder / ADAPTER) as folder:
            for kind, config in self.configs.items():
                config.save_pretrained(folder / kind)
                save_file(self._tensors(kind), folder / kind / "adapter_model.safetensors", metadata={"format": "pt"})
            if self.masks:
                save_masks(folder / _LORA, self.masks, {"mode": SPARSE_TO_SPARSE})
            text = json.dumps({**said, "masked": self.masked, "modules": self._modules()}, indent=2)
            (folder / GROUPS_FILE).write_text(text + "\n", "utf-8")

    def _tensors(self, kind: str) -> dict[str, Tensor]:
        tensors = {
            f"{_PREFIX}{name}.{end}": weight
            for name in self.layers
            if (self.groups[name] == "ia3") == (kind == _IA3)
            for end, weight in self._weights(name).items()
        }
        if hasattr(self.model, _HEAD):
            head = getattr(self.model, _HEAD).state_dict(prefix=f"{_PREFIX}{_HEAD}.")
            tensors |= head
        return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}

    def merge(self) -> nn.Module:
        for name, layer in self.layers.items():
            layer.merge()
            self.model.set_submodule(name, layer.get_base_layer())
        return self.model


def _by_module(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removesuffix(".weight"): tensor for name, tensor in tensors.items()}


def _inject(config: PeftConfig, model: Any) -> None:
    """Put peft's layers into the model. peft leaves the configuration on it, and would take a second one for another
    adapter of the same kind. A head is saved with each, but named only now: peft would put a copy of it beside it."""
    try:
        inject_adapter_in_model(config, model, _NAME)
    except ValueError as problem:
        raise FrameworkError(f"adapter.sgh.targets: {problem}") from problem
    finally:
        if hasattr(model, "peft_config"):
            del model.peft_config
    config.modules_to_save = [_HEAD] if hasattr(model, _HEAD) else None
