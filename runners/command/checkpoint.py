"""The model that a command left, as the model of its run: later steps start from it, and are held to it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.adapter_options import described, irreproducible, of_wrong_kind
from framework.evidence.atomic import whole_folder
from framework.evidence.forms.weights import WeightsFile
from framework.evidence.record import MODEL, read_json
from framework.evidence.shards import join
from framework.evidence.tensors import TensorFile
from runners.adapters.lora import ADAPTER, DENSE
from runners.adapters.masked_lora import SPARSE_TO_DENSE
from runners.models.checkpoints import TENSORS, save_checkpoint
from runners.sparsity.masks import apply_masks, masked_parameters, save_masks
from runners.step_context import RunContext

CONFIG, INDEX, ADAPTER_CONFIG = "config.json", "model.safetensors.index.json", "adapter_config.json"
_ADAPTER_TENSORS = "adapter_model.safetensors"
_BESIDE = (
    "config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "added_tokens.json",
    "chat_template*", "vocab*", "merges.txt", "spiece.model", "sentencepiece*",
)  # fmt: skip
"""What belongs to a model beside its tensors."""


def take_checkpoint(context: RunContext, source: Path) -> None:
    """Make a checkpoint the run's: `model/` in one file, `adapter/` where it is one, and the parent's masks.

    Raises:
        FrameworkError: it is no model or adapter in safetensors; an adapter that does not fit its base.
    """
    if not source.is_dir():
        raise FrameworkError(f"the checkpoint {source} is no folder")
    adapter = (source / ADAPTER_CONFIG).is_file()
    if adapter:
        _adapter(context, source)
    else:
        _model(context.folder, source)
    if (context.folder / MODEL / TENSORS).is_file():
        _facts(context, counted=not adapter)


def _model(folder: Path, source: Path) -> None:
    if not (source / CONFIG).is_file():
        raise FrameworkError(f"the checkpoint {source} has no {CONFIG}")
    with whole_folder(folder / MODEL) as target:
        for pattern in _BESIDE:
            for file in source.glob(pattern):
                if file.is_file():
                    shutil.copy2(file, target / file.name)
        if (source / TENSORS).is_file():
            _link(source / TENSORS, target / TENSORS)
        elif (source / INDEX).is_file():
            join(source / INDEX, target / TENSORS)
        else:
            pickled = any(source.glob("*.bin")) or any(source.glob("*.pt*"))
            why = "; pickled weights are not read, since reading them runs code: save safetensors" if pickled else ""
            raise FrameworkError(f"the checkpoint {source} has no {TENSORS}{why}")
        TensorFile(target / TENSORS)


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


def _adapter(context: RunContext, source: Path) -> None:
    """Keep the adapter as it is, and merge a language model's: W' = (W + update) * mask."""
    if not (source / _ADAPTER_TENSORS).is_file():
        raise FrameworkError(f"the adapter {source} has no {_ADAPTER_TENSORS}; pickled weights are not read")
    with whole_folder(context.folder / ADAPTER) as target:
        for name in (ADAPTER_CONFIG, _ADAPTER_TENSORS):
            shutil.copy2(source / name, target / name)
    settings = read_json(source / ADAPTER_CONFIG)
    if wrong := of_wrong_kind(settings):
        raise FrameworkError(f"{source / ADAPTER_CONFIG}: {wrong}")
    context.record.adapter = described(settings)
    if why := irreproducible(settings):
        raise FrameworkError(f"the adapter {source} cannot be merged as it was trained: {why}")
    if (settings.get("peft_type"), settings.get("task_type")) != ("LORA", "CAUSAL_LM"):
        context.progress.message("the adapter is kept as it is: only a language model's LoRA is merged")
        return
    from peft import PeftModel

    checkpoint = context.starting_model(None)
    total = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    try:
        model: Any = PeftModel.from_pretrained(checkpoint.model, str(source), is_trainable=True)
    except (ValueError, RuntimeError, KeyError) as problem:
        raise FrameworkError(f"the adapter {source} does not fit the model that it starts from: {problem}") from None
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    context.record.parameters = {"total": total, "trainable": trainable}
    merged = model.merge_and_unload()
    masks = context.inherited_masks()
    targets = adapted_modules(source / _ADAPTER_TENSORS)
    # Plain LoRA trains W + s B A: where masks hold, they remove their part of the update in the merge alone.
    context.record.adapter["mode"] = SPARSE_TO_DENSE if any(f"{name}.weight" in masks for name in targets) else DENSE
    apply_masks(masked_parameters(merged, masks), masks)
    save_checkpoint(context.folder, merged, checkpoint.tokenizer)


def adapted_modules(tensors: Path) -> set[str]:
    """The modules that a saved LoRA is for, by their names in the model."""
    names = TensorFile(tensors).tensors
    return {name.removeprefix("base_model.model.").split(".lora_A.")[0] for name in names if ".lora_A." in name}


def _facts(context: RunContext, counted: bool) -> None:
    """Sizes and zeros as they are on disk; whether the parent's masks still hold is for `verify` to say."""
    saved = WeightsFile(context.folder / MODEL / TENSORS)
    record = context.record
    if counted:
        record.parameters = {"total": sum(tensor.elements for tensor in saved.tensors.values())}
    masks = context.inherited_masks()
    if not masks:
        return
    save_masks(context.folder, masks, {"seed": context.step.seed})
    held = [name for name in masks if name in saved.tensors]
    tensors = {name: [saved.zeros(name), saved.tensors[name].elements] for name in held}
    zeros, elements = (sum(pair[place] for pair in tensors.values()) for place in (0, 1))
    reached = zeros / elements if elements else 0.0
    record.sparsity = {"zeros": zeros, "elements": elements, "reached": reached, "tensors": tensors}
