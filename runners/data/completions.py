"""Questions as tokens: what is trained are the answers' tokens, each after its prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import torch

from framework.errors import FrameworkError
from runners.data.examples import Batch, Remembered, always_anew, tensor_of
from runners.data.prompts import Question, question_ids
from runners.data.protocols import Protocol
from runners.data.ragged import Ragged


class StoredQuestions(Sequence[Question]):
    """Questions that are read from their store one by one."""

    def __init__(self, lines: Ragged):
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> Question: ...
    @overload
    def __getitem__(self, place: slice) -> StoredQuestions: ...
    def __getitem__(self, place: int | slice) -> Question | StoredQuestions:
        if isinstance(place, slice):
            return StoredQuestions(self._lines[place])
        prompt, answer, choices, right = json.loads(self._lines[place].tobytes())
        return Question(prompt, answer, tuple(choices), right)


class Completions:
    """Prompts with the answers that should follow.

    A row is the prompt's tokens and the answer's; a row longer than ``length`` loses its beginning, so that the answer
    stays.

    Args:
        length: Tokens per row at most.
        protocol: When an answer is right.
        longest: New tokens at most, where the answer is written.
        rows: The questions' tokens, uncut, and int [rows] where each answer begins; worked out where they are not
            given.
        remembered: Keeps the fingerprint.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        tokenizer: Any,
        length: int,
        protocol: Protocol,
        longest: int,
        rows: tuple[Ragged, np.ndarray] | None = None,
        remembered: Remembered = always_anew,
    ):
        self.questions = questions
        self.tokenizer, self.length, self.protocol, self.longest = tokenizer, length, protocol, longest
        self.padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        if rows is None:
            found = question_ids(tokenizer, questions)
            rows = Ragged.of([tokens for tokens, _ in found]), np.asarray([start for _, start in found], np.int64)
        self._rows, self._starts = rows
        self._remembered = remembered
        self._lengths = np.minimum(self._rows.lengths, length)
        answers = self._rows.lengths - self._starts
        if len(long := np.flatnonzero(answers >= length)):
            raise self._no_room(questions[int(long[0])], int(answers[long[0]]))

    def _no_room(self, question: Question, tokens: int) -> FrameworkError:
        return FrameworkError(
            f"an answer has {tokens} tokens, and sequences {self.length}: nothing of its prompt "
            f"would be left: {question.prompt[:60]!r}"
        )

    def row(self, question: Question, answer: str) -> tuple[list[int], int]:
        """The tokens of a question with an answer, and where the answer's begin."""
        asked = Question(question.prompt, answer, question.choices, question.right)
        ((tokens, start),) = question_ids(self.tokenizer, [asked])
        if len(tokens) - start >= self.length:
            raise self._no_room(question, len(tokens) - start)
        cut = max(0, len(tokens) - self.length)
        return tokens[cut:], start - cut

    def _row(self, index: int) -> tuple[np.ndarray, int]:
        tokens = self._rows[index]
        return tokens[-self.length :], int(self._starts[index]) - max(0, len(tokens) - self.length)

    def prompt(self, index: int) -> list[int]:
        """The tokens that a written answer follows."""
        tokens, start = self._row(index)
        return tokens[:start].tolist()

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: Sequence[int]) -> Batch:
        return padded([self._row(index) for index in indices], self.padding)

    def predictions(self, indices: Sequence[int]) -> int:
        return sum(len(tokens) - start for tokens, start in (self._row(index) for index in indices))

    @property
    def lengths(self) -> np.ndarray:
        return self._lengths

    @property
    def tokens(self) -> int:
        return int(self._lengths.sum())

    def fingerprint(self) -> str:
        return self._remembered(f"completions of {self.length}, {len(self)}", self._digest)

    def _digest(self) -> str:
        digest = hashlib.sha256(b"completions")
        for index, question in enumerate(self.questions):
            tokens, start = self._row(index)
            digest.update(f"{question.right}:{start}:{','.join(map(str, tokens.tolist()))};".encode())
        return digest.hexdigest()


def padded(rows: Sequence[tuple[Sequence[int] | np.ndarray, int]], padding: int) -> Batch:
    """Rows of tokens with where their answers begin, as a batch that is padded on the right."""
    tensors = [tensor_of(tokens) for tokens, _ in rows]
    inputs = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=padding)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    starts = torch.tensor([start for _, start in rows])
    predictions = sum(len(tokens) - start for tokens, start in rows)
    return Batch(inputs, mask, None, int(mask.sum()), predictions, starts=starts)
