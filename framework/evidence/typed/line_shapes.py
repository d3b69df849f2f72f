"""What the values of a run's lines are: those of `steps.jsonl` and of `events.jsonl`, as far as anything reads them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from framework.errors import InputError
from framework.evidence.record import VALIDATION
from framework.evidence.typed.record_shapes import Count, Number, Shape, Text
from framework.locations import Location


class StepLine(Shape):
    """One optimizer step."""

    step: Number | None = None
    learning_rate: Number | None = None
    learning_rates: list[Number | None] | None = None
    samples: Number | None = None
    tokens: Number | None = None
    loss: Number | None = None
    epoch: Number | None = None
    temperature: Number | None = None
    expected_sparsity: Number | None = None
    hard_sparsity: Number | None = None
    skipped: Count | None = None


class EventLine(Shape):
    """What happened beside the steps."""

    event: Text = None


class Evaluation(Shape):
    """One evaluation: beside what it is called, figures alone, however they are called."""

    __pydantic_extra__: dict[str, Number | None]
    event: Text = None


def held_to(lines: Iterable[dict[str, Any]], place: str, shape: type[Shape]) -> list[dict[str, Any]]:
    """The lines of a file, each of a shape; of events an evaluation is one of figures.

    Raises:
        InputError: one is not, at its place.
    """
    found = list(lines)
    for number, line in enumerate(found, 1):
        own = Evaluation if shape is EventLine and line.get("event") in ("evaluation", VALIDATION) else shape
        try:
            _adapter(own).validate_python(line)
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            named = ".".join(map(str, error["loc"]))
            raise InputError.at(Location(place, number, 1), f"not a line of a run: {named}: {error['msg']}") from None
    return found


@cache
def _adapter(shape: type[Shape]) -> TypeAdapter[Shape]:
    return TypeAdapter(shape)
