"""Questions to a language model: a prompt, and what should follow it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from runners.data.sources.splits import Split

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Question:
    """One row. ``answer`` is the text that should follow the prompt; with ``choices`` it is the one at ``right``."""

    prompt: str
    answer: str
    choices: tuple[str, ...] = ()
    right: int | None = None


def columns_of(template: str) -> list[str]:
    """The columns that a template names in braces; nothing but names stands in braces."""
    return list(dict.fromkeys(_FIELD.findall(template)))


def filled(template: str, row: Mapping[str, Any]) -> str:
    """The template with the row's values in the places of the columns."""
    return _FIELD.sub(lambda match: str(row[match[1]]), template)


def stated_columns(dataset: Dataset) -> list[str]:
    """The columns that a dataset with a prompt reads."""
    assert dataset.prompt is not None
    columns = columns_of(dataset.prompt)
    if dataset.choices is None:
        assert dataset.answer is not None
        columns += columns_of(dataset.answer)
    else:
        stated = [dataset.choices] if isinstance(dataset.choices, str) else map(columns_of, dataset.choices)
        columns += [dataset.label, *chain.from_iterable([each] if isinstance(each, str) else each for each in stated)]
    return list(dict.fromkeys(columns))


def questions(dataset: Dataset, split: Split) -> Iterator[Question]:
    """The rows of a split as questions.

    Raises:
        FrameworkError: a row lacks a column, or its label is none of its choices; with its place.
    """
    columns = stated_columns(dataset)
    for index, values in enumerate(split.read(columns)):
        yield _question(dataset, split, index, dict(zip(columns, values, strict=True)))


def question_ids(tokenizer: Any, asked: Sequence[Question]) -> list[tuple[list[int], int]]:
    """The tokens of each question with its answer, and where the answer's begin.

    Prompt and answer are tokenised as one text, as the model would meet them, with the spaces at the end of the
    prompt given to the answer (the protocol of EleutherAI's evaluation harness, Gao et al. 2021). For answers that are
    written (no choices) the tokenizer's end token belongs to the answer.

    Raises:
        FrameworkError: a prompt and its answer have no two tokens together.
    """
    if not asked:
        return []
    prompts = [question.prompt.rstrip(" ") for question in asked]
    rows = tokenizer([question.prompt + question.answer for question in asked], verbose=False)["input_ids"]
    begins = [len(ids) for ids in tokenizer([prompt or " " for prompt in prompts], verbose=False)["input_ids"]]
    found = []
    for question, prompt, ids, begin in zip(asked, prompts, rows, begins, strict=True):
        tokens = list(ids)
        if not question.choices and tokenizer.eos_token_id is not None:
            tokens.append(tokenizer.eos_token_id)
        if len(tokens) < 2:
            raise FrameworkError(f"a prompt and its answer have no two tokens together: {question.prompt!r}")
        found.append((tokens, max(1, min(begin if prompt else 0, len(tokens) - 1))))
    return found


def _question(dataset: Dataset, split: Split, index: int, row: Mapping[str, Any]) -> Question:
    assert dataset.prompt is not None
    prompt = filled(dataset.prompt, row)
    if dataset.choices is None:
        assert dataset.answer is not None
        return Question(prompt, filled(dataset.answer, row))
    choices = _choices(dataset.choices, split, index, row)
    right = _right(row[dataset.label], len(choices), split, index, dataset.label)
    return Question(prompt, choices[right], choices, right)


def _choices(stated: list[str] | str, split: Split, index: int, row: Mapping[str, Any]) -> tuple[str, ...]:
    if not isinstance(stated, str):
        return tuple(filled(choice, row) for choice in stated)
    found = row[stated]
    if not isinstance(found, Sequence) or isinstance(found, str) or not all(isinstance(text, str) for text in found):
        raise FrameworkError(f"{split.place(index)}: {stated!r} is {found!r}, not a list of texts")
    if len(found) < 2:
        raise FrameworkError(f"{split.place(index)}: {stated!r} has {len(found)} choices; a question has at least two")
    return tuple(f" {text}" for text in found)


def _right(label: Any, count: int, split: Split, index: int, column: str) -> int:
    """The number of the right choice: as a number, as its digits (HellaSwag states them as text), or true for 1."""
    number = int(label) if isinstance(label, bool | int) or (isinstance(label, str) and label.isdecimal()) else -1
    if not 0 <= number < count:
        raise FrameworkError(f"{split.place(index)}: {column!r} is {label!r}; the choices are 0 to {count - 1}")
    return number
