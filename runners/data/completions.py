"""Questions as tokens: what is trained are the answers' tokens, each after its prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch

from framework.errors import FrameworkError
from runners.data.examples import Batch
from runners.data.prompts import Question
from runners.data.protocols import Protocol


class Completions:
    """Prompts with the answers that should follow.

    A row is the prompt's tokens and the answer's; a row longer than ``length`` loses its beginning, so that the answer
    stays. For answers that are written (no choices) the tokenizer's end token belongs to the answer.

    Args:
        length: Tokens per row at most.
        protocol: When an answer is right.
        longest: New tokens at most, where the answer is written.
    """

    def __init__(self, questions: Sequence[Question], tokenizer: Any, length: int, protocol: Protocol, longest: int):
        self.questions = list(questions)
        self.tokenizer, self.length, self.protocol, self.longest = tokenizer, length, protocol, longest
        self.padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        self._rows = [self.row(each, each.answer) for each in self.questions]

    def row(self, question: Question, answer: str) -> tuple[list[int], int]:
        """The tokens of a question with an answer, and where the answer's begin.

        Prompt and answer are tokenised as one text, as the model would meet them, with the spaces at the end of the
        prompt given to the answer (the protocol of EleutherAI's evaluation harness, Gao et al. 2021).
        """
        prompt = question.prompt.rstrip(" ")
        answer = question.prompt[len(prompt) :] + answer
        tokens = list(self.tokenizer(prompt + answer, verbose=False)["input_ids"])
        start = len(self.tokenizer(prompt, verbose=False)["input_ids"]) if prompt else 0
        if not question.choices and self.tokenizer.eos_token_id is not None:
            tokens.append(self.tokenizer.eos_token_id)
        start = max(1, min(start, len(tokens) - 1))
        if len(tokens) < 2:
            raise FrameworkError(f"a prompt and its answer have no two tokens together: {question.prompt!r}")
        if len(tokens) - start >= self.length:
            raise FrameworkError(
                f"an answer has {len(tokens) - start} tokens, and sequences {self.length}: nothing of its prompt "
                f"would be left: {question.prompt[:60]!r}"
            )
        cut = max(0, len(tokens) - self.length)
        return tokens[cut:], start - cut

    def prompt(self, index: int) -> list[int]:
        """The tokens that a written answer follows."""
        tokens, start = self._rows[index]
        return tokens[:start]

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: Sequence[int]) -> Batch:
        return padded([self._rows[index] for index in indices], self.padding)

    def predictions(self, indices: Sequence[int]) -> int:
        return sum(len(tokens) - start for tokens, start in (self._rows[index] for index in indices))

    @property
    def tokens(self) -> int:
        return sum(len(tokens) for tokens, _ in self._rows)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(b"completions")
        for (tokens, start), question in zip(self._rows, self.questions, strict=True):
            digest.update(f"{question.right}:{start}:{','.join(map(str, tokens))};".encode())
        return digest.hexdigest()


def padded(rows: Sequence[tuple[list[int], int]], padding: int) -> Batch:
    """Rows of tokens with where their answers begin, as a batch that is padded on the right."""
    tensors = [torch.tensor(tokens) for tokens, _ in rows]
    inputs = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=padding)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    starts = torch.tensor([start for _, start in rows])
    predictions = sum(len(tokens) - start for tokens, start in rows)
    return Batch(inputs, mask, None, int(mask.sum()), predictions, starts=starts)
