"""What the user says is the statement: names and values in Markdown, in tables of numbers, in YAML, JSON or TOML."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from framework.dialects.terms import leaves, words
from framework.drafting.statement.paper_names import fact_named
from framework.drafting.statement.paper_values import clean, is_number
from framework.errors import InputError, UsageError
from framework.reading.formats import read

_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+(.+)")
_PAIR = re.compile(r"\W{0,3}([^\W\d_][^:=|]{0,60}?)\**\s*(?::|=|→)\**\s+(\S.*)")
_HEADING = re.compile(r"#+\s*(.+?)\s*#*")
_SETTINGS = re.compile(r"hyper|param|setting|train|config|implementation|detail|optimi|recipe", re.IGNORECASE)
_VALUES = frozenset(words("value values paper setting settings default chosen used our ours"))
_NO_VALUES = frozenset(
    words("description notes note symbol unit units source reference comment comments meaning remarks")
)
LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Named:
    """One name with what stands beside it."""

    name: str
    text: object
    """As it is written in prose; from data, its value."""
    file: str
    line: int
    above: tuple[str, ...] = ()
    """The headings, or the sections, that it stands below."""
    column: str = ""
    """The title of its column, where a table has several of values."""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


def statement_of(path: FilePath, name: str) -> list[Named]:
    """The named values of a file, each with its line.

    Raises:
        UsageError: it cannot be read, or has none.
    """
    try:
        suffix = path.suffix.lower()
        if path.is_file() and path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST >> 20} MiB: name the table alone")
        if suffix in (".csv", ".tsv"):
            found = list(_of_csv(path, name, "\t" if suffix == ".tsv" else ","))
        elif suffix in (".yaml", ".yml", ".json", ".toml"):
            found = list(_of_data(path, name))
        else:
            found = list(_of_prose(path.read_text(encoding="utf-8").splitlines(), name))
    except (OSError, UnicodeDecodeError, InputError, csv.Error) as failure:
        raise UsageError(f"{path} cannot be read: {failure}") from failure
    if not found:
        raise UsageError(f"{path} states no values: a list or a table of names and values, or a mapping, is needed")
    return found


def _of_data(path: FilePath, name: str) -> Iterator[Named]:
    document = read(path, name)
    data = document.value(document.root) if document.root is not None else None
    for place, value in leaves(data):
        node = document.walk(place)
        if place and isinstance(value, (int, float, str, list)):
            above = tuple(str(part) for part in place[:-1])
            yield Named(str(place[-1]), value, name, node[1].line if node else 1, above)


def _of_csv(path: FilePath, name: str, delimiter: str) -> Iterator[Named]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        rows = [
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)
        ]
    if rows and len(rows[0][1]) == 2 and fact_named(rows[0][1][0]) is not None:
        rows = [(0, ["name", "value"]), *rows]  # it has no titles
    if rows:
        yield from _of_table(rows[0][1], rows[1:], name, ())


def _of_prose(lines: list[str], name: str) -> Iterator[Named]:
    """Lists, tables and lines of a name and a value; what stands in fences is no statement."""
    above: tuple[str, ...] = ()
    fenced = False
    titles: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate([*lines, ""], 1):
        if re.match(r"\s*(?:```|~~~)", line):
            fenced = not fenced
            continue
        cells = [] if fenced else _cells(line)
        if titles and len(cells) >= 2:
            if not _RULE.fullmatch(line.strip()):
                rows.append((number, cells))
            continue
        if titles:
            yield from _of_table(titles, rows, name, above)
            titles, rows = [], []
        if fenced:
            continue
        if len(cells) >= 2 and number < len(lines) and "|" in lines[number] and _RULE.fullmatch(lines[number].strip()):
            titles = cells
        elif heading := _HEADING.fullmatch(line.strip()):
            above = (heading[1],)
        else:
            yield from _of_line(line, number, name, above)


def _cells(line: str) -> list[str]:
    if "|" not in line:
        return []
    return [clean(cell) for cell in re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))]


def _of_line(line: str, number: int, name: str, above: tuple[str, ...]) -> Iterator[Named]:
    """A name and a value: of an item of a list any name with a number, of other lines only what is known."""
    item = _ITEM.fullmatch(line)
    pair = _PAIR.fullmatch((item[1] if item else line).strip())
    if pair is None:
        return
    title, text = clean(pair[1]), clean(pair[2].rstrip("."))
    known = fact_named(title) is not None
    about = bool(above) and _SETTINGS.search(above[-1]) is not None
    if len(title.split()) > 6 or not text or (len(text) > 60 and not known):
        return
    counts = is_number(text) and (known or item is not None)
    if counts or (known and item is not None) or (about and (known or (item is not None and len(text.split()) < 4))):
        yield Named(title, text, name, number, above)


def _of_table(
    titles: list[str], rows: list[tuple[int, list[str]]], name: str, above: tuple[str, ...]
) -> Iterator[Named]:
    """The values of a table: names down its side and a column of values, or one for each variant; or names on top."""
    known = [fact_named(title) is not None for title in titles]
    if sum(known[1:]) * 2 > len(titles[1:]) and sum(fact_named(row[0]) is not None for _, row in rows) * 2 <= len(rows):
        several = len(rows) > 1
        for line, row in rows:
            for title, text in zip(titles[1:], row[1:], strict=False):
                if _says(text):
                    yield Named(title, text, name, line, above, row[0] if several else "")
        return
    columns = list(_columns(titles))
    if len(titles) > len(columns) + 1 and not columns:
        return
    for line, row in rows:
        for at in columns:
            if at < len(row) and row[0] and _says(row[at]):
                yield Named(row[0], row[at], name, line, above, titles[at] if len(columns) > 1 else "")


def _columns(titles: list[str]) -> Iterable[int]:
    """The columns of values: the one that says so, else all that are none of words about them."""
    folded = [title.casefold() for title in titles]
    named = [at for at, title in enumerate(folded) if at and title in _VALUES]
    return named[:1] or [at for at, title in enumerate(folded) if at and title not in _NO_VALUES]


def _says(text: str) -> bool:
    return text not in ("", "-", "–", "—", "n/a", "N/A", "?")
