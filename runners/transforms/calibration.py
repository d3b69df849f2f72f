"""Calibration: which examples a transform measures on, and how they are read."""

from __future__ import annotations

from dataclasses import replace

import torch

from framework.errors import FrameworkError
from framework.planning.steps import Training
from runners.data.examples import Batch
from runners.data.preparing import Prepared, prepare
from runners.models.checkpoints import Checkpoint
from runners.models.classifier import SequenceClassifier
from runners.models.families import FAMILIES
from runners.seeds import generator
from runners.step_context import RunContext


def calibration_data(context: RunContext, checkpoint: Checkpoint | None) -> Prepared:
    """The calibration's data; see :func:`data_of`."""
    assert context.step.calibration is not None
    return data_of(context.step.calibration, context, checkpoint)


def data_of(training: Training, context: RunContext, checkpoint: Checkpoint | None) -> Prepared:
    """A training's data, read as what the model is: text, prompts with answers, or a classifier's examples.

    Raises:
        FrameworkError: the model is an encoder without a head, or the data cannot be had.
    """
    step = context.step
    classifies = checkpoint is not None and isinstance(checkpoint.model, SequenceClassifier)
    family = FAMILIES.get(step.model.family)
    if family.encoder and not classifies:
        raise FrameworkError(
            f"{step.label}: a {family.name} without a classification head has no outputs to calibrate on; "
            "take a variant that was fine-tuned"
        )
    answers = training.phase.objective == "completion"
    objective = "classification" if classifies else "completion" if answers else "causal_lm"
    work: Training = replace(training, phase=training.phase.model_copy(update={"objective": objective}))
    tokenizer = checkpoint.tokenizer if checkpoint is not None else None
    return prepare(work, step.model_name, step.model, tokenizer, context.project)


def chosen_examples(available: int, wanted: int, seed: int, what: str) -> list[int]:
    """The calibration examples, by index.

    Raises:
        FrameworkError: there are fewer than ``what`` (a step's name) declares.
    """
    if available < wanted:
        raise FrameworkError(f"{what}.calibration_examples: {wanted} are declared, the data has {available}")
    chosen: list[int] = torch.randperm(available, generator=generator(seed, "calibration"))[:wanted].tolist()
    return chosen


def batches_of(data: Prepared, chosen: list[int], size: int, device: torch.device) -> list[Batch]:
    """Batches of ``size`` examples, the last one perhaps of fewer; of one example each none is padded."""
    return [data.train.batch(chosen[first : first + size]).to(device) for first in range(0, len(chosen), size)]
