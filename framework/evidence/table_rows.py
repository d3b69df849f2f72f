"""Rows of tables of results: CSV, TSV, JSON (a list of objects), JSON lines, and tables of Markdown documents."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.formats import read as read_document

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".md", ".markdown")
_BAR = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"\s*:?-+:?\s*")


def table_rows(file: Path, wanted: Iterable[str] = ()) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    """The rows of a table with their places, cells without content left out; of a Markdown document those of the first
    table that has the ``wanted`` columns.

    Raises:
        InputError: it is no table; with the place.
    """
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
        yield from _of_markdown(file, text, set(wanted))


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


def _of_markdown(file: Path, text: str, wanted: set[str]) -> Iterator[tuple[Location, dict[str, str]]]:
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
