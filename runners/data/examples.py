"""Tokenised examples, and batches of them as tensors."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from runners.data.ragged import Ragged
from runners.data.spelled import spelled_sizes, summed
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
    def lengths(self) -> np.ndarray:
        """Tokens of each example, without padding, int64 [examples]."""

    @property
    def tokens(self) -> int:
        """Tokens of all examples."""

    def fingerprint(self) -> str:
        """SHA-256 over the token ids (and classes, and segments) of all examples, in order."""


Remembered = Callable[[str, Callable[[], str]], str]
"""Gives what a function works out for a view, from memory where it is known."""
_DIGESTED = 1 << 22


def always_anew(_: str, work_out: Callable[[], str]) -> str:
    """For examples that no store keeps."""
    return work_out()


def tensor_of(row: Sequence[int] | np.ndarray) -> Tensor:
    """A row of token ids as int64 [tokens], in memory of its own."""
    return torch.from_numpy(np.array(row, np.int64))


class Sequences:
    """Running text as sequences of equal length: the whole token stream cut, its rest dropped.

    ``stream`` are token ids [tokens] of any integer type, perhaps memory-mapped; nothing is copied but batches.
    """

    def __init__(self, stream: np.ndarray, length: int, limit: int | None, remembered: Remembered = always_anew):
        count = len(stream) // length
        self._blocks = stream[: count * length].reshape(count, length)[:limit]
        self._remembered = remembered

    def __len__(self) -> int:
        return len(self._blocks)

    def batch(self, indices: Sequence[int]) -> Batch:
        inputs = torch.from_numpy(self._blocks[list(indices)].astype(np.int64))
        return Batch(inputs, torch.ones_like(inputs), None, inputs.numel(), self.predictions(indices))

    def predictions(self, indices: Sequence[int]) -> int:
        return len(indices) * (self._blocks.shape[1] - 1)

    def predicted_text(self, tokenizer: Any) -> dict[str, int]:
        """The `characters` and `bytes` that all predicted tokens stand for; empty where the tokenizer does not tell."""
        sizes = spelled_sizes(tokenizer)
        if sizes is None:
            return {}
        predicted = self._blocks[:, 1:]
        found = {name: summed(size, predicted) for name, size in zip(("characters", "bytes"), sizes, strict=True)}
        _let_go(self._blocks)
        return found

    @property
    def lengths(self) -> np.ndarray:
        return np.full(len(self), self._blocks.shape[1])

    @property
    def tokens(self) -> int:
        return self._blocks.size

    def fingerprint(self) -> str:
        return self._remembered(f"sequences of {self._blocks.shape[1]}, {len(self)}", self._digest)

    def _digest(self) -> str:
        length = self._blocks.shape[1]
        digest = hashlib.sha256(f"sequences of {length}".encode())
        step = max(1, _DIGESTED // length)
        for first in range(0, len(self), step):
            digest.update(self._blocks[first : first + step].astype("<i4").data)
            _let_go(self._blocks)
        return digest.hexdigest()


def _let_go(array: np.ndarray) -> None:
    """Count what was read of a memory-mapped array no longer as this process's memory; it stays in the system's."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


class LabelledTexts:
    """Rows of tokens with a class each, int [rows]; ``segments`` of the rows' lengths, where the model is told them."""

    def __init__(
        self,
        rows: Ragged | Sequence[Sequence[int]],
        labels: np.ndarray | Sequence[int],
        padding: int,
        limit: int | None,
        segments: Ragged | Sequence[Sequence[int]] | None = None,
        remembered: Remembered = always_anew,
    ):
        self._rows = _ragged(rows)[:limit]
        self._segments = None if segments is None else _ragged(segments)[:limit]
        self.labels = np.asarray(labels[:limit], np.int64)
        self._padding, self._remembered = padding, remembered

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: Sequence[int]) -> Batch:
        rows = [tensor_of(self._rows[index]) for index in indices]
        inputs = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self._padding)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        labels = torch.from_numpy(self.labels[list(indices)])
        segments = None
        if self._segments is not None:
            own = [tensor_of(self._segments[index]) for index in indices]
            segments = torch.nn.utils.rnn.pad_sequence(own, batch_first=True)
        return Batch(inputs, mask, labels, int(mask.sum()), len(rows), segments)

    def predictions(self, indices: Sequence[int]) -> int:
        return len(indices)

    @property
    def lengths(self) -> np.ndarray:
        return self._rows.lengths

    @property
    def tokens(self) -> int:
        return int(self.lengths.sum())

    def fingerprint(self) -> str:
        labels = hashlib.sha256(self.labels.astype("<i8").data).hexdigest()
        told = "without segments" if self._segments is None else "with segments"
        return self._remembered(f"labelled texts, {len(self)}, {told}, classes {labels}", self._digest)

    def _digest(self) -> str:
        digest = hashlib.sha256(b"labelled texts")
        for row, label in zip(self._rows, self.labels.tolist(), strict=True):
            digest.update(f"{label}:{','.join(map(str, row.tolist()))};".encode())
        for row in self._segments or ():
            digest.update(f"{','.join(map(str, row.tolist()))};".encode())
        return digest.hexdigest()


def _ragged(rows: Ragged | Sequence[Sequence[int]]) -> Ragged:
    return rows if isinstance(rows, Ragged) else Ragged.of(rows)
