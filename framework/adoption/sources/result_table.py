"""A table of results: each row is a run, columns say which one, the others are its final metrics. CSV, TSV, JSON (a
list of objects), JSON lines, and the first table of a Markdown document that has these columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from framework.adoption.sources.source import Left
from framework.errors import InputError, Problem
from framework.evidence.logs.logged_names import number
from framework.evidence.table_rows import table_rows
from framework.locations import Location
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.sections.adopted import PARTS, Adopted
from framework.names import did_you_mean

NAME = "table"


class Row(NamedTuple):
    """One row: where it stands, what its columns say of its run, and what it measured."""

    where: Location
    words: dict[str, str]
    left: Left


def rows(file: Path, adopted: Adopted) -> Iterator[Row | Problem]:
    """The rows of a table; in the place of one that is no single run, why.

    Raises:
        InputError: it is no table, or lacks a column that is named.
    """
    wanted = [*adopted.columns.values(), *adopted.metrics.values()]
    cells = list(table_rows(file, wanted))
    if not cells:
        raise InputError.at(Location(str(file), 1, 1), "a table without rows")
    columns = {part: name for part in PARTS if (name := adopted.columns.get(part, part)) in cells[0][1]}
    for name in wanted:
        if not any(name in row for _, row in cells):
            advice = did_you_mean(name, cells[0][1])
            raise InputError.at(Location(str(file), 1, 1), f"the table has no column {name!r}", advice)
    for where, row in cells:
        words: dict[str, str] = {
            part: str(row[name]).strip() for part, name in columns.items() if str(row.get(name, "")).strip()
        }
        left = Left(files=[file], is_row=True)
        others = {name: value for name, value in row.items() if name not in columns.values()}
        figures = {name: _figure(value) for name, value in others.items()}
        wrong = [name for name in adopted.metrics.values() if name in row and figures.get(name) is None]
        if wrong:
            yield Problem(f"{wrong[0]} is {row[wrong[0]]!r}, no number of one run", where, "a row is one run")
            continue
        left.raw = {name: figure for name, figure in figures.items() if figure is not None}
        left.metrics = {plain_metric(name): value for name, value in left.raw.items()} if not adopted.metrics else {}
        left.settings = others
        if type(seed := number(words.get("seed"))) is int:
            left.observed["seed"] = seed
        yield Row(where, words, left)


def _figure(value: Any) -> float | None:
    """A cell's number, of `84.1%` the share."""
    text = str(value).strip().strip("*_$ ").replace("\\%", "%")
    found = number(text.removesuffix("%"))
    return None if found is None else found / 100 if text.endswith("%") else float(found)
