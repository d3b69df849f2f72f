"""A model from what the manifest states about it: a checkpoint, or sizes to initialise anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from framework.errors import FrameworkError
from framework.manifest.architectures import SIZES
from framework.manifest.sections.models import Model
from runners.hub import cached_commit
from runners.models.classifier import Encoder, SequenceClassifier
from runners.models.families import FAMILIES, Family, size_fault
from runners.seeds import seed_everything


def build_language_model(name: str, model: Model, vocabulary: int, seed: int, project: Path) -> nn.Module:
    """A causal language model, or an encoder without a head, with float32 weights: the checkpoint's, or random ones
    that follow from the seed.

    Args:
        name: The model's name in the manifest, for messages.
        vocabulary: Tokens of the tokenizer; the embedding gets ``model.vocabulary`` rows where that is stated.

    Raises:
        FrameworkError: the checkpoint cannot be had, is of another family, or the sizes do not make a model.
    """
    family = FAMILIES.get(model.family)
    family.prepare()
    source = _source(model, project)
    if model.weights == "pretrained":
        return _pretrained(name, model, family, source)
    config = _configuration(name, model, family, source)
    if model.vocabulary is None and source is None:
        config.vocab_size = vocabulary
    seed_everything(seed, "model")
    return unfilled(family, config)


def unfilled(family: Family, config: Any) -> nn.Module:
    """The language model or the encoder of a configuration, its weights initialised by torch's generator."""
    if family.encoder:
        return Encoder(family.backbone, AutoModel.from_config(config, dtype=torch.float32))
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-any-return]


def skeleton(model: Model, project: Path) -> nn.Module | None:
    """The modules of a model, without weights (on torch's meta device); None where only a hub has its configuration.

    Raises:
        FrameworkError: the sizes do not make a model, or the folder's configuration cannot be read.
    """
    if model.hub is not None and model.path is None:
        return None
    family = FAMILIES.get(model.family)
    family.prepare()
    with torch.device("meta"):
        return unfilled(family, _configuration(model.family, model, family, _source(model, project)))


def classifier_over(model: Any, family: Family, classes: Sequence[str], seed: int) -> SequenceClassifier:
    """A classifier with another model's backbone and a new head, which follows from the seed, for the named classes."""
    seed_everything(seed, "head")
    model.config.id2label = dict(enumerate(classes))
    model.config.label2id = {name: number for number, name in enumerate(classes)}
    return SequenceClassifier(family, getattr(model, family.backbone), model.config)


def describe(family: Family, config: Any) -> dict[str, Any]:
    """The model's sizes in the manifest's words."""
    sizes = {field: getattr(config, attribute) for field, attribute in family.sizes.items()}
    return {"family": family.name, **sizes, **({"architecture": config.switches} if family.switches else {})}


def source_of(model: Model) -> dict[str, Any]:
    """Where a model's weights and tokenizer came from, for the run record; what did not decide it is left out.

    ``commit`` is the one of the hub's repository that was read, also where no revision is declared."""
    used = ("weights", "path", "tokenizer") if model.path else ("weights", "hub", "revision", "tokenizer")
    found = {name: value for name in used if (value := getattr(model, name)) is not None}
    commit = cached_commit(model.hub, model.revision) if model.hub and not model.path else None
    return {**found, "commit": commit} if commit else found


def _source(model: Model, project: Path) -> str | None:
    return str(project / model.path) if model.path else model.hub


def _revision(model: Model) -> dict[str, str]:
    return {"revision": model.revision} if model.revision and not model.path else {}


def _unavailable(name: str, source: str | None, problem: Exception) -> FrameworkError:
    return FrameworkError(
        f"models.{name}: {source} cannot be loaded: {problem}\n"
        "    give a local `path` with config.json and safetensors, or use a profile with `weights: random`"
    )


def _pretrained(name: str, model: Model, family: Family, source: str | None) -> nn.Module:
    kind = AutoModel if family.encoder else AutoModelForCausalLM
    disable_progress_bar()
    try:
        loaded, report = kind.from_pretrained(source, dtype=torch.float32, output_loading_info=True, **_revision(model))
    except (OSError, ValueError) as problem:
        raise _unavailable(name, source, problem) from problem
    if missing := report["missing_keys"]:
        raise FrameworkError(f"models.{name}: {source} lacks {len(missing)} tensors, such as {min(missing)}")
    if loaded.config.model_type != model.family:
        raise FrameworkError(f"models.{name}: {source} is a {loaded.config.model_type}, not a {model.family}")
    return Encoder(family.backbone, loaded) if family.encoder else loaded


def _configuration(name: str, model: Model, family: Family, source: str | None) -> Any:
    if fault := size_fault(model, family):
        raise FrameworkError(f"models.{name}: {fault}")
    stated = {field: getattr(model, field) for field in SIZES if getattr(model, field) is not None}
    if source is None:
        stated = {field: stated[other] for field, other in family.implied.items() if other in stated} | stated
    values: dict[str, Any] = {family.sizes[field]: value for field, value in stated.items()}
    if model.architecture is not None:
        values["switches"] = model.architecture.model_dump(exclude_unset=True)
    if source is None:
        return AutoConfig.for_model(family.name, **values)
    try:
        return AutoConfig.from_pretrained(source, **_revision(model), **values)
    except (OSError, ValueError) as problem:
        raise _unavailable(name, source, problem) from problem
