"""Sparse adapters on disk: peft's own files, and the masks of the targets beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors import SafetensorError
from torch import Tensor, nn

from framework.errors import FrameworkError
from framework.evidence.digests import masks_digest
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile
from runners.adapters.configuration import SPARSE_LORA, SparseLoraConfig
from runners.adapters.masked_lora import SparseLinear, hold_masks
from runners.sparsity.masks import load_masks, save_masks

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."


def digest_of(masks: Mapping[str, Tensor]) -> str:
    """See :func:`framework.evidence.digests.masks_digest`."""
    return masks_digest((name, mask.cpu().numpy()) for name, mask in masks.items())


def sparse_layers(model: nn.Module) -> dict[str, SparseLinear]:
    """The layers of sparse adapters, by the name that each has in the model without adapters."""
    return {
        name.removeprefix(_PREFIX): module for name, module in model.named_modules() if isinstance(module, SparseLinear)
    }


def save_sparse_lora(model: PeftModel, folder: Path, name: str = "default") -> None:
    """Write one adapter: peft's `adapter_config.json` and `adapter_model.safetensors`, and `masks.safetensors`."""
    layers = {at: layer for at, layer in sparse_layers(model).items() if name in layer.lora_A}
    masks = {f"{at}.weight": layer.keep for at, layer in layers.items() if layer.keep is not None}
    config: Any = model.peft_config[name]
    config.mask_sha256 = digest_of(masks)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, selected_adapters=[name])
    inner = folder if name == "default" else folder / name
    save_masks(inner, masks, {"mode": config.mode, "mask_sha256": config.mask_sha256})


def load_sparse_lora(
    model: nn.Module,
    folder: Path,
    name: str = "default",
    masks: Mapping[str, Tensor] | None = None,
    trainable: bool = False,
) -> PeftModel:
    """A model with a saved sparse adapter on it; its base weights are set to zero where they are masked.

    Args:
        model: The base model, or a `PeftModel` with sparse adapters under the same masks.
        masks: By tensor name, those of further tensors left aside; by default those saved with the adapter.

    Raises:
        FrameworkError: it is no sparse adapter, its masks are not there, they are other ones than it was trained
            under, or it does not fit the model.
    """
    config = saved_config(folder)
    targets = _targets(folder)
    found = load_masks(folder) if masks is None else masks
    own = {f"{at}.weight": found[f"{at}.weight"] for at in targets if f"{at}.weight" in found}
    if digest_of(own) != config.mask_sha256:
        lacking = "its masks are not there" if not own else "these are other masks than it was trained under"
        raise FrameworkError(f"{folder}: {lacking} (their SHA-256 must be {config.mask_sha256})")
    hold_masks({at: layer for at, layer in sparse_layers(model).items() if at in targets}, own)
    config.inference_mode = not trainable
    if isinstance(model, PeftModel):
        model.add_adapter(name, config)
    else:
        model = PeftModel(model, config, adapter_name=name)
    hold_masks({at: layer for at, layer in sparse_layers(model).items() if name in layer.lora_A}, own)
    try:
        outcome = model.load_adapter(str(folder), name, is_trainable=trainable)
    except (OSError, RuntimeError, SafetensorError) as problem:
        raise FrameworkError(f"{folder}: the adapter does not fit the model: {problem}") from problem
    if wrong := [*outcome.missing_keys, *outcome.unexpected_keys]:
        raise FrameworkError(f"{folder}: the adapter does not fit the model: {len(wrong)} tensors, such as {wrong[0]}")
    return model


def _targets(folder: Path) -> set[str]:
    """The modules that a saved adapter is for."""
    names = TensorFile(folder / TENSORS).tensors
    return {name.removeprefix(_PREFIX).split(".lora_A.")[0] for name in names if ".lora_A." in name}


def saved_config(folder: Path) -> SparseLoraConfig:
    """The configuration in an adapter's folder.

    Raises:
        FrameworkError: it is not that of a sparse adapter of this version of peft.
    """
    stated = read_json(folder / CONFIG)
    if stated.pop("peft_type", None) != SPARSE_LORA:
        raise FrameworkError(f"{folder / CONFIG} is of no sparse LoRA; peft itself loads it")
    known = {field.name for field in dataclasses.fields(SparseLoraConfig) if field.init}
    if unknown := sorted(stated.keys() - known):
        raise FrameworkError(f"{folder / CONFIG} was saved by another version of peft: it has {unknown[0]!r}")
    return SparseLoraConfig(**stated)
