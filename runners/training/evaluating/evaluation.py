"""Validation: loss and perplexity, or loss, accuracy and F1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from framework.errors import FrameworkError
from framework.manifest.metrics import COUNTED, LOSS_BY_UNIT
from runners.data.completions import Completions
from runners.data.examples import Examples
from runners.training.evaluating.answering import answer
from runners.training.objectives import logits_of, summed_loss


class NotFinite(FrameworkError):
    """The validation loss is no number."""


def evaluate(
    accelerator: Accelerator, model: Any, examples: Examples, batch_size: int, classes: int
) -> dict[str, float]:
    """Measure a model on all examples, shared out over the processes; the model's mode is left as it was.

    Args:
        classes: Number of classes, 0 for language modelling.

    Returns:
        `loss` (mean over all predictions, in nats), and `perplexity` = exp(loss), or `accuracy`, `f1`,
        `majority_share`, or what :func:`runners.training.evaluating.answering.answer` says of answers to prompts.

    Raises:
        NotFinite: the loss is not a number.
    """
    was_training = model.training
    model.eval()
    totals = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    confusion = torch.zeros(classes, classes, dtype=torch.int64, device=accelerator.device)
    starts = range(0, len(examples), batch_size)[accelerator.process_index :: accelerator.num_processes]
    with torch.no_grad(), accelerator.autocast():
        for start in starts:
            batch = examples.batch(range(start, min(start + batch_size, len(examples)))).to(accelerator.device)
            logits = logits_of(model, batch)
            totals += torch.stack([summed_loss(logits, batch).double(), totals.new_tensor(batch.predictions)])
            if batch.labels is not None:
                pairs = batch.labels * classes + logits.argmax(dim=1)
                confusion += torch.bincount(pairs, minlength=classes * classes).view(classes, classes)
    model.train(was_training)
    totals, confusion = accelerator.reduce(totals), accelerator.reduce(confusion)
    loss = float(totals[0] / totals[1])
    if not math.isfinite(loss):
        raise NotFinite(f"the validation loss is {loss}")
    if isinstance(examples, Completions):
        return {"loss": loss, **answer(accelerator, model, examples, batch_size)}
    if classes == 0:
        return {"loss": loss, "perplexity": math.exp(loss)}
    return {"loss": loss, **classification_metrics(confusion.cpu())}


def losses_of_text(loss: float, facts: Mapping[str, Any]) -> dict[str, float]:
    """A loss per token as one per character and one per byte, where the data's facts count these.

    The cross-entropy of all predicted tokens, summed, in nats, over the characters (or UTF-8 bytes) that these tokens
    stand for: the first token of each sequence is not predicted, and its text does not count.
    """
    found = {}
    for unit, name in LOSS_BY_UNIT.items():
        count = facts.get(f"validation_{COUNTED[unit]}")
        if count:
            found[name] = loss * facts["validation_predictions"] / count
    return found


def classification_metrics(confusion: Tensor) -> dict[str, float]:
    """Accuracy, F1 and the share of the most frequent class.

    Args:
        confusion: [classes, classes] counts, rows are the true classes.

    F1 is that of class 1 for two classes (as in GLUE) and the mean over all classes for more; a class that neither
    occurs nor is predicted has F1 0.
    """
    confusion = confusion.double()
    hits, true, predicted = confusion.diag(), confusion.sum(dim=1), confusion.sum(dim=0)
    per_class = 2 * hits / (true + predicted).clamp(min=1)
    return {
        "accuracy": float(hits.sum() / confusion.sum()),
        "f1": float(per_class[1] if len(confusion) == 2 else per_class.mean()),
        "majority_share": float(true.max() / confusion.sum()),
    }
