"""Tokenised examples, and batches of them as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from runners.transfers import moved


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples as tensors.

    ``input_ids`` and ``attention_mask`` are int64 [examples, length], padded on the right; ``labels`` are int64
    [examples], or None for language modelling. ``tokens`` counts what is not padding, and ``predictions`` the terms
    of the loss: the tokens that have one before them, or the examples. ``segments`` are int64 like ``input_ids``, 0 for
    the first text of a pair and 1 for the second; None for a model that is not told. ``starts`` are int64 [examples]:
    the first token of each that is predicted, where that is not its second.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor | None
    tokens: int
    predictions: int
    segments: Tensor | None = None
    starts: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        labels = None if self.labels is None else moved(self.labels, device)
        inputs, mask = moved(self.input_ids, device), moved(self.attention_mask, device)
        segments = None if self.segments is None else moved(self.segments, device)
        starts = None if self.starts is None else moved(self.starts, device)
        return Batch(inputs, mask, labels, self.tokens, self.predictions, segments, starts)


class Examples(Protocol):
    """The examples of one split, by index."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int]) -> Batch: ...

    def predictions(self, indices: Sequence[int]) -> int:
        """The terms of the loss over these examples."""

    @property
    def tokens(self) -> int:
        """Tokens of all examples."""

    def fingerprint(self) -> str:
        """SHA-256 over the token ids (and classes, and segments) of all examples, in order."""


class Sequences:
    """Running text as sequences of equal length: the whole token stream cut, its rest dropped."""

    def __init__(self, stream: Tensor, length: int, limit: int | None):
        count = len(stream) // length
        self._blocks = stream[: count * length].view(count, length)[:limit].clone()

    def __len__(self) -> int:
        return len(self._blocks)

    def batch(self, indices: Sequence[int]) -> Batch:
        inputs = self._blocks[list(indices)].long()
        return Batch(inputs, torch.ones_like(inputs), None, inputs.numel(), self.predictions(indices))

    def predictions(self, indices: Sequence[int]) -> int:
        return len(indices) * (self._blocks.shape[1] - 1)

    @property
    def tokens(self) -> int:
        return self._blocks.numel()

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"sequences of {self._blocks.shape[1]}".encode())
        digest.update(self._blocks.numpy().astype("<i4").tobytes())
        return digest.hexdigest()


class LabelledTexts:
    """Rows of tokens with a class each; ``segments`` of the rows' lengths, where the model is told them."""

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        labels: Sequence[int],
        padding: int,
        limit: int | None,
        segments: Sequence[Sequence[int]] | None = None,
    ):
        self._rows = rows[:limit]
        self._segments = None if segments is None else segments[:limit]
        self.labels = list(labels[:limit])
        self._padding = padding

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: Sequence[int]) -> Batch:
        rows = [torch.tensor(self._rows[index]) for index in indices]
        inputs = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self._padding)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        labels = torch.tensor([self.labels[index] for index in indices])
        segments = None
        if self._segments is not None:
            own = [torch.tensor(self._segments[index]) for index in indices]
            segments = torch.nn.utils.rnn.pad_sequence(own, batch_first=True)
        return Batch(inputs, mask, labels, int(mask.sum()), len(rows), segments)

    def predictions(self, indices: Sequence[int]) -> int:
        return len(indices)

    @property
    def tokens(self) -> int:
        return sum(map(len, self._rows))

    def fingerprint(self) -> str:
        digest = hashlib.sha256(b"labelled texts")
        for row, label in zip(self._rows, self.labels, strict=True):
            digest.update(f"{label}:{','.join(map(str, row))};".encode())
        for row in self._segments or ():
            digest.update(f"{','.join(map(str, row))};".encode())
        return digest.hexdigest()
