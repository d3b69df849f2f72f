"""Rows of tables that programs wrote: CSV, TSV, JSON (a list of objects) and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.formats import read as read_document

PLAIN = (".csv", ".tsv", ".json", ".jsonl")
"""The endings of such files."""


def table_rows(
    file: Path, hold: Callable[[Iterable[str]], None] | None = None
) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    """The rows of a table with their places; empty cells are left out.

    Args:
        hold: Is told the titles of a table that has a line of them, and raises what is wrong with them.

    Raises:
        InputError: it is no table; with the place.
    """
    suffix = file.suffix.lower()
    if suffix == ".json":
        yield from _objects(file)
        return
    text = read_text(file, str(file))
    if suffix == ".jsonl":
        for line_number, each in enumerate(text.splitlines(), 1):
            if each.strip():
                where = Location(str(file), line_number, 1)
                yield where, _object(each, where)
        return
    table = csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",", restkey="")
    try:
        if hold is not None:
            hold(table.fieldnames or ())
        for line in table:
            yield Location(str(file), table.line_num, 1), {key: value for key, value in line.items() if value}
    except csv.Error as problem:
        raise InputError.at(Location(str(file), table.line_num, 1), f"not CSV: {problem}") from None


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
