"""Validation: loss and perplexity, or loss, accuracy and F1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from framework.errors import FrameworkError
from framework.manifest.metrics import COUNTED, LOSS_BY_UNIT
from runners.data.completions import Completions
from runners.data.examples import Examples
from runners.training.evaluating.answering import answer
from runners.training.evaluating.grouping import alike
from runners.training.objectives import example_losses, logits_of, summed_loss
from runners.transfers import moved


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
    with torch.no_grad(), accelerator.autocast():
        if classes == 0 and not isinstance(examples, Completions):
            loss, confusion = _of_running_text(accelerator, model, examples, batch_size), None
        else:
            loss, confusion = _of_examples(accelerator, model, examples, batch_size, classes)
    model.train(was_training)
    if not math.isfinite(loss):
        raise NotFinite(f"the validation loss is {loss}")
    if isinstance(examples, Completions):
        return {"loss": loss, **answer(accelerator, model, examples, batch_size)}
    if confusion is None:
        return {"loss": loss, "perplexity": math.exp(loss)}
    return {"loss": loss, **classification_metrics(confusion)}


def _of_running_text(accelerator: Accelerator, model: Any, examples: Examples, batch_size: int) -> float:
    """The mean loss over all predictions of sequences of one length, in their order."""
    totals = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    for start in range(0, len(examples), batch_size)[accelerator.process_index :: accelerator.num_processes]:
        batch = examples.batch(range(start, min(start + batch_size, len(examples)))).to(accelerator.device)
        loss = summed_loss(logits_of(model, batch), batch).double()
        totals += torch.stack([loss, torch.full_like(loss, batch.predictions)])
    total, predictions = accelerator.reduce(totals).tolist()
    return float(total / predictions)


def _of_examples(
    accelerator: Accelerator, model: Any, examples: Examples, batch_size: int, classes: int
) -> tuple[float, Tensor]:
    """The mean loss over all predictions, and [classes, classes] counts on the CPU, rows the true classes.

    Examples of like length share a batch. Each one's loss is kept by its place, and their sum is the exact one,
    rounded once: it does not depend on which examples shared a batch, nor on the number of processes. What depends on
    that is the loss of an example in its last bits, where a product over more columns is added in another order.
    """
    losses = torch.zeros(len(examples), dtype=torch.float64, device=accelerator.device)
    confusion = torch.zeros(classes, classes, dtype=torch.int64, device=accelerator.device)
    groups = alike(examples.lengths, batch_size)
    for indices in groups[accelerator.process_index :: accelerator.num_processes]:
        batch = examples.batch(indices).to(accelerator.device)
        logits = logits_of(model, batch)
        losses[moved(torch.tensor(indices), accelerator.device)] = example_losses(logits, batch).double()
        if batch.labels is not None:
            pairs = batch.labels * classes + logits.argmax(dim=1)
            confusion += torch.bincount(pairs, minlength=classes * classes).view(classes, classes)
    found = accelerator.reduce(losses).tolist()
    mean = exact_sum(found) / examples.predictions(range(len(examples)))
    return mean, accelerator.reduce(confusion).cpu()


def exact_sum(values: Sequence[float]) -> float:
    """The sum, rounded once; infinite or not a number where one of the values is."""
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


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
