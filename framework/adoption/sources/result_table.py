"""A table of results: each row is a run, columns say which one, the others are its final metrics. CSV, TSV, JSON (a
list of objects), JSON lines, and the first table of a Markdown document or a LaTeX source that has these columns.

Where `across` says so, the other columns are of one task (or seed, variant, model) each, and every cell is of a run.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from framework.adoption.naming import columns_of
from framework.adoption.sources.result_figures import figure_of
from framework.adoption.sources.source import Left, LeftOut
from framework.errors import InputError, Problem
from framework.evidence.logs.logged_names import number
from framework.locations import Location
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.sections.adopted import Adopted
from framework.names import did_you_mean
from framework.reading.decoding import read_text
from framework.reading.formats import read as read_document
from framework.reading.marks import Lines
from framework.reading.nodes import Document
from framework.reading.prose.latex_tables import latex_tables

NAME = "table"
LATEX = (".tex", ".ltx")
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".md", ".markdown", *LATEX)
_BAR = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"\s*:?-+:?\s*")
_OF_ONE = "a row is one run: adopt the runs that it is of"
_ARROW = re.compile(r"\(?\s*\$?\s*\\(?:up|down)arrow\s*\$?\s*\)?|\(?[↑↓]\)?")
BELOW = " / "
"""Between a title over several columns and that of one of them."""


class Row(NamedTuple):
    """One run: where it stands, and what it measured. Its columns are the run's names."""

    where: Location
    left: Left


@dataclass(frozen=True, slots=True)
class _Line:
    where: Location
    cells: Mapping[str, Any]
    places: Mapping[str, Location] = field(default_factory=dict)
    """Of each cell, where it is known."""

    def at(self, name: str) -> Location:
        return self.places.get(name, self.where)


def rows(file: Path, adopted: Adopted, known: Collection[str] = ()) -> Iterator[Row | Problem | LeftOut]:
    """The rows of a table, or its cells; in the place of one that is no single run, why. ``known`` are the words that
    titles may say where `across` has them say a part.

    Raises:
        InputError: it is no table, or lacks a column that is named.
    """
    lines = list(_lines(file, adopted))
    if not lines:
        raise InputError.at(Location(str(file), 1, 1), "a table without rows")
    titles = dict.fromkeys(name for line in lines for name in line.cells)
    columns = columns_of(adopted, titles)
    for name in _wanted(adopted):
        if name not in titles:
            advice = did_you_mean(name, titles)
            raise InputError.at(Location(str(file), 1, 1), f"the table has no column {name!r}", advice)
    if adopted.across is not None:
        yield from _across(file, adopted, lines, columns, known)
        return
    for line in lines:
        others = {name: value for name, value in line.cells.items() if name not in columns.values()}
        yield _row(file, adopted, line, columns, line.cells, others)


def _wanted(adopted: Adopted) -> list[str]:
    """The columns that must be there: below a title that says a part, others do."""
    return [*adopted.columns.values(), *(adopted.metrics.values() if adopted.across is None else ())]


def _row(
    file: Path,
    adopted: Adopted,
    line: _Line,
    columns: Mapping[str, str],
    names: Mapping[str, Any],
    others: Mapping[str, Any],
    titles: Mapping[str, str] | None = None,
) -> Row | Problem:
    """One run of a line. ``others`` are its cells by the names of what they measure, ``titles`` their columns'."""
    left = Left(files=[file], is_row=True, names={**dict.fromkeys(columns.values(), ""), **names})
    for name, value in others.items():
        title = name if titles is None else titles[name]
        try:
            if (figure := figure_of(value, title)) is not None:
                left.raw[name] = figure
            elif name in adopted.metrics.values():
                raise ValueError("empty")
        except ValueError as problem:
            if name in adopted.metrics.values() or titles is not None:
                return Problem(f"{title} is {value!r}, no number of one run: {problem}", line.at(title), _OF_ONE)
    left.metrics = {plain_metric(name): value for name, value in left.raw.items()} if not adopted.metrics else {}
    left.settings = dict(others)
    if type(seed := number(left.names.get(columns.get("seed", "")))) is int:
        left.observed["seed"] = seed
    return Row(line.where, left)


def _across(
    file: Path, adopted: Adopted, lines: Iterable[_Line], columns: Mapping[str, str], known: Collection[str]
) -> Iterator[Row | Problem | LeftOut]:
    assert adopted.across is not None
    unknown: dict[str, None] = {}
    for line in lines:
        cells: dict[str, dict[str, str]] = {}
        for title in line.cells:
            if title not in columns.values():
                group, _, below = title.rpartition(BELOW) if BELOW in title else (title, "", "")
                word, metric = (title, adopted.cells) if adopted.cells else (group, below)
                cells.setdefault(word, {})[metric] = title
        for word, of in cells.items():
            if adopted.captures.get(adopted.across, {}).get(word, word) not in known:
                unknown[word] = None
                continue
            if "" in of:
                message = f"no title says what the column {word!r} measures"
                raise InputError.at(line.at(word), message, "say `cells: accuracy`, or whatever it is")
            others = {metric: line.cells[title] for metric, title in of.items()}
            if not adopted.cells and adopted.metrics:
                others = {metric: value for metric, value in others.items() if metric in adopted.metrics.values()}
            first = next(iter(of.values()))
            here = _Line(line.at(first), line.cells, line.places)
            names = {**{name: line.cells.get(name) for name in columns.values()}, adopted.across: word}
            if any(str(value).strip() for value in others.values()):
                yield _row(file, adopted, here, columns, names, others, of)
    if unknown:
        yield LeftOut(f"{', '.join(unknown)}: the plan has no such {adopted.across}")


def _lines(file: Path, adopted: Adopted) -> Iterator[_Line]:
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise InputError.at(Location(str(file), 1, 1), f"a table of results is not read from {suffix or 'this'}", known)
    text = read_text(file, str(file))
    if suffix in (".csv", ".tsv"):
        table = csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",", restkey="")
        try:
            _hold_apart(file, table.fieldnames or (), adopted)
            for line in table:
                cells = {key: value for key, value in line.items() if value}
                yield _Line(Location(str(file), table.line_num, 1), cells)
        except csv.Error as problem:
            raise InputError.at(Location(str(file), table.line_num, 1), f"not CSV: {problem}") from None
    elif suffix == ".jsonl":
        for line_number, each in enumerate(text.splitlines(), 1):
            if each.strip():
                where = Location(str(file), line_number, 1)
                yield _Line(where, _object(each, where))
    elif suffix == ".json":
        yield from _objects(file)
    elif suffix in LATEX:
        yield from _of_latex(file, text, adopted)
    else:
        yield from _of_markdown(file, text, adopted)


def _hold_apart(file: Path, titles: Iterable[str], adopted: Adopted) -> None:
    """See that no column that counts has the title of another.

    Raises:
        InputError: one has.
    """
    wanted, all_count = _wanted(adopted), adopted.across is not None or not adopted.metrics
    for title, count in Counter(titles).items():
        if title and count > 1 and (all_count or title in wanted):
            message = f"{count} columns are called {title!r}: which one is meant, nothing says"
            raise InputError.at(Location(str(file), 1, 1), message, "give them different titles in a copy")


def _object(text: str, where: Location) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InputError.at(where, f"not JSON: {problem}") from None
    if not isinstance(found, dict):
        raise InputError.at(where, "a row that is no JSON object")
    return found


def _objects(file: Path) -> Iterator[_Line]:
    document = read_document(file, str(file), None)
    data = None if document.root is None else document.value(document.root)
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise InputError.at(Location(str(file), 1, 1), "a table of results in JSON is a list of objects")
    for index, each in enumerate(data):
        node = document.node((index,))
        yield _Line(document.location(node, (index,)) if node is not None else Location(str(file), 1, 1), each)


def _of_markdown(file: Path, text: str, adopted: Adopted) -> Iterator[_Line]:
    lines = text.splitlines()
    for at in range(len(lines) - 1):
        header, rule = _split(lines[at]), _split(lines[at + 1])
        if len(header) < 2 or len(rule) != len(header) or not all(_DELIMITER.fullmatch(cell) for cell in rule):
            continue
        if not set(_wanted(adopted)) <= set(header):
            continue
        _hold_apart(file, header, adopted)
        for below in range(at + 2, len(lines)):
            row = _split(lines[below])
            if len(row) < 2:
                return
            named = dict(zip(header, row, strict=False))
            yield _Line(Location(str(file), below + 1, 1), {name: value for name, value in named.items() if value})
        return


def _split(line: str) -> list[str]:
    cells = _BAR.split(line.strip().strip("|")) if "|" in line else []
    return [cell.strip().strip("*`") for cell in cells]


def _plain(title: str) -> str:
    """A title without its braces, and without the arrow that says which direction is better."""
    bare = _ARROW.sub("", title)
    return " ".join((bare if "$" in bare else bare.replace("{", "").replace("}", "")).split())


def _of_latex(file: Path, text: str, adopted: Adopted) -> Iterator[_Line]:
    lines, tables = Lines(text), latex_tables(Document(str(file), text, None, "latex", format="latex"))
    wanted = set(_wanted(adopted))
    table = next((each for each in tables if wanted <= {_plain(title.text) for title in each.titles}), None)
    if table is None and tables:
        near = dict.fromkeys(_plain(title.text) for each in tables for title in each.titles if title.text)
        missing = next((name for name in _wanted(adopted) if name not in near), None)
        message = "no table has all of these columns" if missing is None else f"no table has a column {missing!r}"
        raise InputError.at(Location(str(file), 1, 1), message, did_you_mean(missing or _wanted(adopted)[0], near))
    titles = [] if table is None else [_plain(title.text) for title in table.titles]
    _hold_apart(file, titles, adopted)
    for row in [] if table is None else table.rows:
        named = {title: cell for title, cell in zip(titles, row, strict=False) if title and cell.text}
        places = {name: lines.location(str(file), cell.start) for name, cell in named.items()}
        if places:
            yield _Line(next(iter(places.values())), {name: cell.text for name, cell in named.items()}, places)
