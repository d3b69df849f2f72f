"""The model that is measured: a checkpoint as it was saved, or with its adapters beside the weights."""

from __future__ import annotations

from typing import Any

from framework.planning.steps import Measure
from runners.adapters import ADAPTERS
from runners.models.building import build_language_model, classifier_over
from runners.models.checkpoints import Checkpoint, load_checkpoint
from runners.models.classifier import SequenceClassifier
from runners.models.families import FAMILIES
from runners.sparsity.masks import load_masks
from runners.step_context import RunContext


def measured_model(context: RunContext, work: Measure, state: str | None) -> Any:
    """The model in one state of its adapters: `merged`, `unmerged`, or None where there are none."""
    assert context.parent is not None
    merged = load_checkpoint(context.parent.folder).model
    return _unmerged(context, work, merged) if state == "unmerged" else merged


def _unmerged(context: RunContext, work: Measure, merged: Any) -> Any:
    """The model as its training began: the adapters beside the weights that they were attached to. The values that
    they learned decide nothing that is measured."""
    assert work.training is not None
    assert work.training.adapter is not None
    step, base = context.step, context.references.get("base")
    if base is None:
        rows = merged.config.vocab_size
        model = build_language_model(step.model_name, step.model, rows, step.seed, context.project)
        checkpoint = Checkpoint(model, FAMILIES.get(step.model.family), None)
    else:
        checkpoint = load_checkpoint(base.folder)
    model = checkpoint.model
    if isinstance(merged, SequenceClassifier) and not isinstance(model, SequenceClassifier):
        model = classifier_over(model, checkpoint.family, merged.classes, step.seed)
    name, specification = work.training.adapter.chosen
    masks = load_masks(base.folder) if base is not None else {}
    adapted = ADAPTERS.get(name)(specification, model, masks, step.seed).model
    adapted.config = model.config
    return adapted
