"""Tables: which cell is a label, and which a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from framework.reading.nodes import AnyNode
from framework.reading.prose.label_values import is_number
from framework.reading.prose.outline import Entry

_VALUES = frozenset(("value", "values", "setting", "settings"))
"""Titles of the one column of values, beside such as `Description`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text as it is shown, and where it stands."""

    text: str
    start: int
    stop: int


Values = Callable[[Cell], tuple[AnyNode | None, list[Entry]]]
"""What a cell states."""


def table_entries(header: Sequence[Cell], rows: Sequence[Sequence[Cell]], values: Values) -> list[Entry]:
    """The entries of a table: by row and column, and `label: value` of two columns, of one that says so, of one row.

    A row is called by its first cell, by further ones where rows share it, and by the row above where it is empty.
    """
    rows = [row for row in rows if any(cell.text for cell in row)]
    if not header or not rows:
        return []
    titled = [at for at, cell in enumerate(header) if at and cell.text.casefold() in _VALUES]
    if len(titled) == 1 or (len(header) == 2 and not (len(rows) == 1 and is_number(rows[0][0].text))):
        at = titled[0] if titled else 1
        return [entry for row in rows if len(row) > at and (entry := _entry(row[0], row[at], values)) is not None]
    if len(rows) == 1:
        return _single(header, rows[0], values)
    labels = _labels(rows, len(header))
    result: list[Entry] = []
    for row, (label, taken) in zip(rows, labels, strict=True):
        if not label:
            continue
        name = " / ".join(label)
        first = next((cell for cell in row if cell.text), row[0])
        made = Entry(name, first.start, first.stop, is_row=True)
        result.append(made)
        for title, cell in list(zip(header, row, strict=False))[taken:]:
            if title.text and (entry := _entry(title, cell, values)) is not None:
                entry.start, entry.stop = cell.start, cell.start  # the title stands above all of its cells
                entry.also = (f"{title.text}.{name}",)
                made.add(entry)
    return result


def _single(header: Sequence[Cell], row: Sequence[Cell], values: Values) -> list[Entry]:
    """Titles above one row of values: the titles are the labels; the row's own name may stand before them."""
    name = row[0].text
    result = []
    for title, cell in zip(header, row, strict=False):
        entry = _entry(title, cell, values)
        if entry is not None and title.text:
            entry.also = (f"{name}.{title.text}", f"{title.text}.{name}") if cell is not row[0] else ()
            result.append(entry)
    return result


def _labels(rows: Sequence[Sequence[Cell]], width: int) -> list[tuple[tuple[str, ...], int]]:
    """The name of each row, and how many of its cells it takes."""
    filled: list[list[str]] = []
    for row in rows:
        texts = [cell.text for cell in row[:width]] + [""] * (width - len(row))
        if not texts[0] and filled:
            texts[0] = filled[-1][0]
        filled.append(texts)
    taken = 1
    while taken < width - 1 and len({tuple(texts[:taken]) for texts in filled}) < len(filled):
        if any(is_number(texts[taken]) for texts in filled):
            break
        taken += 1
    return [(tuple(text for text in texts[:taken] if text), taken) for texts in filled]


def _entry(label: Cell, cell: Cell, values: Values) -> Entry | None:
    if not label.text or not cell.text:
        return None
    node, below = values(cell)
    return Entry(label.text, label.start, label.stop, node, below)
