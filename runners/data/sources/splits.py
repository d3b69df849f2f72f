"""One split of a dataset, whatever it is read from: rows as a stream, and what tells its content from another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError

Label = int | str
"""A class as it is stated: a number from 0, or a name."""


@dataclass(slots=True)
class Meter:
    """How much of a source has been read, in bytes as they lie on the disk; ``total`` is 0 where nobody knows."""

    total: int = 0
    done: int = 0

    def heard(self, size: int) -> None:
        self.done += size


@dataclass(frozen=True, slots=True)
class Split:
    """A split that can be read as often as it is asked for, row by row.

    ``read`` gives the rows' values of some columns; an error says where. ``place`` says for a row's index where it
    stands. ``content`` is a name that no other content has. ``label`` reads a class, None where the value is none.
    ``names`` are the classes' names where the source declares them. ``files`` are what is read. ``whole_text`` gives
    the text of a source that is one row of running text, block by block.
    """

    origin: str
    read: Callable[[Sequence[str]], Iterator[tuple[Any, ...]]]
    place: Callable[[int], str]
    content: Callable[[], str]
    label: Callable[[Any], Any] = lambda value: value if isinstance(value, int | str | float) else None
    names: tuple[str, ...] | None = None
    files: tuple[Path, ...] = ()
    meter: Meter = field(default_factory=Meter)
    whole_text: Callable[[], Iterator[str]] | None = None

    def texts(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """The rows' texts, one for each column.

        Raises:
            FrameworkError: a column that is missing, or a value that is no text; with its place.
        """
        return (self.text(index, columns, row) for index, row in enumerate(self.read(columns)))

    def text(self, index: int, columns: Sequence[str], row: Sequence[Any]) -> tuple[str, ...]:
        """The first values of a row as texts.

        Raises:
            FrameworkError: one is no text.
        """
        found = tuple(row[: len(columns)])
        for column, value in zip(columns, found, strict=True):
            if not isinstance(value, str):
                raise FrameworkError(f"{self.place(index)}: {column!r} is {value!r}, not text")
        return found

    def documents(self, columns: Sequence[str]) -> Iterator[Iterator[str]]:
        """The rows as running text, each as blocks that follow each other, its columns joined as they are."""
        if self.whole_text is not None and list(columns) == ["text"]:
            yield self.whole_text()
            return
        for row in self.texts(columns):
            yield iter(row)
