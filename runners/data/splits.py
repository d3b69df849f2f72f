"""One split of a dataset as it was read, whatever it was read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Corpus:
    """The rows of one split.

    ``texts`` has one tuple per row, with one text for each of the dataset's columns; ``labels`` are the classes as
    they were stated (numbers from 0, or names), None where only text was asked for. ``names`` are the classes' names
    where the source declares them. ``place`` says for a row's index where it was read, for messages.
    """

    origin: str
    texts: Sequence[tuple[str, ...]]
    labels: Sequence[int | str] | None
    place: Callable[[int], str]
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one split with some of their columns; ``place`` as in :class:`Corpus`."""

    origin: str
    rows: Sequence[Mapping[str, Any]]
    place: Callable[[int], str]
