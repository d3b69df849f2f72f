"""The model folder of a run: `model.safetensors`, `config.json` and the tokenizer's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoTokenizer

from framework.errors import FrameworkError
from framework.evidence.atomic import whole_folder
from framework.evidence.record import MODEL
from runners.models.building import unfilled
from runners.models.classifier import Encoder, SequenceClassifier
from runners.models.families import FAMILIES, Family, configuration_in

TENSORS = "model.safetensors"
_HEAD = "classifier.weight"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A saved model. ``tokenizer`` is None where no step before had one."""

    model: nn.Module
    family: Family
    tokenizer: Any | None


def unique_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name; of tied ones only the first."""
    seen: set[tuple[int, tuple[int, ...]]] = set()
    tensors = {}
    for name, tensor in model.state_dict().items():
        identity = (tensor.data_ptr(), tuple(tensor.shape))
        if identity not in seen:
            seen.add(identity)
            tensors[name] = tensor.detach().cpu().contiguous()
    return tensors


def save_checkpoint(run_folder: Path, model: Any, tokenizer: Any | None) -> None:
    """Write `<run>/model/`, whole or not at all."""
    write_model(run_folder / MODEL, model, tokenizer)


def write_model(place: Path, model: Any, tokenizer: Any | None) -> None:
    """Write a folder that transformers loads, whole or not at all, in the place of one that is there."""
    with whole_folder(place) as folder:
        config = model.config.to_dict()
        config["architectures"] = [_architecture(model)]
        type(model.config).from_dict(config).save_pretrained(folder)
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
        save_file(unique_tensors(model), folder / TENSORS, metadata={"format": "pt"})


def _architecture(model: Any) -> str:
    """The class of transformers that reads the model, where there is one."""
    if isinstance(model, Encoder):
        return type(next(model.children())).__name__
    return model.family.head if isinstance(model, SequenceClassifier) else type(model).__name__


def load_tokenizer(run_folder: Path) -> Any | None:
    """The tokenizer saved with a run's model, or None."""
    folder = run_folder / MODEL
    return AutoTokenizer.from_pretrained(folder) if (folder / "tokenizer_config.json").exists() else None


def load_checkpoint(run_folder: Path) -> Checkpoint:
    """The model of a run, a language model or a classifier as it was saved, in float32.

    Raises:
        FrameworkError: the tensors are not those of the configuration.
    """
    folder = run_folder / MODEL
    config = configuration_in(folder)
    family = FAMILIES.get(config.model_type)
    family.prepare()
    tensors = load_file(folder / TENSORS)
    model: Any = unfilled(family, config)
    if _HEAD in tensors:
        model = SequenceClassifier(family, getattr(model, family.backbone), config)
    _fill(model, tensors, folder)
    return Checkpoint(model, family, load_tokenizer(run_folder))


def _fill(model: Any, tensors: Mapping[str, Tensor], folder: Path) -> None:
    tied = set(model.state_dict()) - set(unique_tensors(model))
    outcome = model.load_state_dict(tensors, strict=False)
    missing = sorted(set(outcome.missing_keys) - tied)
    if missing or outcome.unexpected_keys:
        wrong = [f"lacks {name}" for name in missing] + [f"has {name} beside" for name in outcome.unexpected_keys]
        raise FrameworkError(f"{folder / TENSORS} is not a checkpoint of its config.json: it {'; it '.join(wrong[:5])}")
