"""A table of results: each row is a run, columns say which one, the others are its final metrics. CSV, TSV, JSON (a
list of objects), JSON lines, and the first table of a Markdown document that has these columns."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from framework.adoption.sources.source import Left
from framework.errors import InputError, Problem
from framework.evidence.logs.logged_names import number
from framework.locations import Location
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.sections.adopted import PARTS, Adopted
from framework.names import did_you_mean
from framework.reading.decoding import read_text
from framework.reading.formats import read as read_document

NAME = "table"
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".md", ".markdown")
_BAR = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"\s*:?-+:?\s*")


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
    cells = list(_cells(file, adopted))
    if not cells:
        raise InputError.at(Location(str(file), 1, 1), "a table without rows")
    columns = {part: name for part in PARTS if (name := adopted.columns.get(part, part)) in cells[0][1]}
    wanted = [*adopted.columns.values(), *adopted.metrics.values()]
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


def _cells(file: Path, adopted: Adopted) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise InputError.at(Location(str(file), 1, 1), f"a table of results is not read from {suffix or 'this'}", known)
    text = read_text(file, str(file))
    if suffix in (".csv", ".tsv"):
        table = csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",", restkey="")
        try:
            for line in table:
                yield Location(str(file), table.line_num, 1), {key: value for key, value in line.items() if value}
        except csv.Error as problem:
            raise InputError.at(Location(str(file), table.line_num, 1), f"not CSV: {problem}") from None
    elif suffix == ".jsonl":
        for line_number, each in enumerate(text.splitlines(), 1):
            if each.strip():
                yield Location(str(file), line_number, 1), _object(each, Location(str(file), line_number, 1))
    elif suffix == ".json":
        yield from _objects(file)
    else:
        yield from _of_markdown(file, text, adopted)


def _object(text: str, where: Location) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InputError.at(where, f"not JSON: {problem}") from None
    if not isinstance(found, dict):
        raise InputError.at(where, "a row that is no JSON object")
    return found


def _objects(file: Path) -> Iterator[tuple[Location, dict[str, Any]]]:
    document = read_document(file, str(file), None)
    data = None if document.root is None else document.value(document.root)
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise InputError.at(Location(str(file), 1, 1), "a table of results in JSON is a list of objects")
    for index, each in enumerate(data):
        node = document.node((index,))
        yield (document.location(node, (index,)) if node is not None else Location(str(file), 1, 1)), each


def _of_markdown(file: Path, text: str, adopted: Adopted) -> Iterator[tuple[Location, dict[str, str]]]:
    wanted = {*adopted.columns.values(), *adopted.metrics.values()}
    lines = text.splitlines()
    for at in range(len(lines) - 1):
        header, rule = _split(lines[at]), _split(lines[at + 1])
        if len(header) < 2 or len(rule) != len(header) or not all(_DELIMITER.fullmatch(cell) for cell in rule):
            continue
        if not wanted <= set(header):
            continue
        for below in range(at + 2, len(lines)):
            row = _split(lines[below])
            if len(row) < 2:
                return
            named = dict(zip(header, row, strict=False))
            yield Location(str(file), below + 1, 1), {name: value for name, value in named.items() if value}
        return


def _split(line: str) -> list[str]:
    cells = _BAR.split(line.strip().strip("|")) if "|" in line else []
    return [cell.strip().strip("*`") for cell in cells]
