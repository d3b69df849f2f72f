"""Questions to a language model: a prompt, and what should follow it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from runners.data.corpus import rows_of
from runners.data.splits import Rows

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


def questions(name: str, dataset: Dataset, split: str, project: Path) -> tuple[str, list[Question]]:
    """Where a split was read, and its rows as questions.

    Raises:
        FrameworkError: the data cannot be had, a row lacks a column, or its label is none of its choices.
    """
    assert dataset.prompt is not None
    columns = columns_of(dataset.prompt)
    if dataset.choices is None:
        assert dataset.answer is not None
        columns += columns_of(dataset.answer)
    else:
        columns += [dataset.label, *([dataset.choices] if isinstance(dataset.choices, str) else [])]
    rows = rows_of(name, dataset, split, project, list(dict.fromkeys(columns)))
    return rows.origin, [_question(dataset, rows, index, row) for index, row in enumerate(rows.rows)]


def _question(dataset: Dataset, rows: Rows, index: int, row: Mapping[str, Any]) -> Question:
    assert dataset.prompt is not None
    prompt = filled(dataset.prompt, row)
    if dataset.choices is None:
        assert dataset.answer is not None
        return Question(prompt, filled(dataset.answer, row))
    choices = _choices(dataset.choices, rows, index, row)
    right = _right(row[dataset.label], len(choices), rows.place(index), dataset.label)
    return Question(prompt, choices[right], choices, right)


def _choices(stated: list[str] | str, rows: Rows, index: int, row: Mapping[str, Any]) -> tuple[str, ...]:
    if not isinstance(stated, str):
        return tuple(filled(choice, row) for choice in stated)
    found = row[stated]
    if not isinstance(found, Sequence) or isinstance(found, str) or not all(isinstance(text, str) for text in found):
        raise FrameworkError(f"{rows.place(index)}: {stated!r} is {found!r}, not a list of texts")
    if len(found) < 2:
        raise FrameworkError(f"{rows.place(index)}: {stated!r} has {len(found)} choices; a question has at least two")
    return tuple(f" {text}" for text in found)


def _right(label: Any, count: int, where: str, column: str) -> int:
    """The number of the right choice: as a number, as its digits (HellaSwag states them as text), or true for 1."""
    number = int(label) if isinstance(label, bool | int) or (isinstance(label, str) and label.isdecimal()) else -1
    if not 0 <= number < count:
        raise FrameworkError(f"{where}: {column!r} is {label!r}; the choices are 0 to {count - 1}")
    return number
