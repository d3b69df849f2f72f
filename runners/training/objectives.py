"""The objectives: next-token prediction, of whole texts or of answers, and classification, as sums over their terms."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from runners.data.examples import Batch
from runners.models.known_masks import known_padding


def logits_of(model: Any, batch: Batch) -> Tensor:
    """Language modelling: [examples, length, vocabulary]. Classification: [examples, classes]."""
    with known_padding(whole=batch.tokens == batch.input_ids.numel()):
        if batch.labels is None:
            return model(input_ids=batch.input_ids, use_cache=False).logits
        segments = {} if batch.segments is None else {"token_type_ids": batch.segments}
        return model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **segments)


def summed_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy in float32, summed over the batch's ``predictions`` terms (the mean is the caller's, since only
    it knows how many terms the whole optimizer step has)."""
    if batch.labels is not None:
        return F.cross_entropy(logits.float(), batch.labels, reduction="sum")
    if batch.starts is not None:
        return token_losses(logits, batch).sum()
    predicted, targets = logits[:, :-1].flatten(0, 1), batch.input_ids[:, 1:].flatten()
    return F.cross_entropy(predicted.float(), targets, reduction="sum")


def example_losses(logits: Tensor, batch: Batch) -> Tensor:
    """The cross-entropy of each example, float32 [examples]: of its class, or summed over its answer's tokens."""
    if batch.labels is not None:
        return F.cross_entropy(logits.float(), batch.labels, reduction="none")
    return token_losses(logits, batch).sum(dim=1)


def token_losses(logits: Tensor, batch: Batch) -> Tensor:
    """The cross-entropy of each token after the first, float32 [examples, length - 1]; 0 for padding and for tokens
    before a row's start."""
    targets = batch.input_ids[:, 1:]
    losses = F.cross_entropy(logits[:, :-1].float().transpose(1, 2), targets, reduction="none")
    counts = batch.attention_mask[:, 1:].bool()
    if batch.starts is not None:
        places = torch.arange(1, batch.input_ids.shape[1], device=targets.device)
        counts = counts & (places >= batch.starts[:, None])
    return losses * counts
