"""Datasets in local files: `<folder>/<split>.jsonl`, `.json`, `.csv`, `.parquet` or `.txt`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from framework.names import did_you_mean
from runners.data.splits import Corpus, Rows

Row = tuple[int, Mapping[str, Any]]


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as problem:
                    raise FrameworkError(f"{path}:{number}: not JSON: {problem.msg}") from None


def _json(path: Path) -> Iterator[Row]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as problem:
        raise FrameworkError(f"{path}:{problem.lineno}: not JSON: {problem.msg}") from None
    if not isinstance(data, list):
        raise FrameworkError(f"{path}:1: a list of rows is expected, not {type(data).__name__}")
    yield from enumerate(data, 1)


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        for row in reader:
            yield reader.line_num, row


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow.parquet

    yield from enumerate(pyarrow.parquet.read_table(path).to_pylist(), 1)


def _txt(path: Path) -> Iterator[Row]:
    yield 1, {"text": path.read_text("utf-8")}


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".txt": _txt,
}


def load(name: str, dataset: Dataset, split: str, folder: Path, labelled: bool) -> Corpus:
    """The rows of the one file of that split; a `.txt` file is one row with the column `text`.

    Raises:
        FrameworkError: no file or several, a column that a row lacks, or a value of another type; with file and line
            (in `.json` and `.parquet`, the number of the row).
    """
    found = rows(name, dataset, split, folder, [*dataset.text, *([dataset.label] if labelled else [])])
    texts, labels = [], []
    for index, row in enumerate(found.rows):
        where = found.place(index)
        texts.append(tuple(_text(row[column], where, column) for column in dataset.text))
        if labelled:
            labels.append(_label(row[dataset.label], where, dataset.label))
    return Corpus(found.origin, texts, labels if labelled else None, found.place)


def rows(name: str, dataset: Dataset, split: str, folder: Path, columns: Sequence[str]) -> Rows:
    """The rows of the one file of that split, each with these columns.

    Raises:
        FrameworkError: no file or several, or a column that a row lacks; with file and line.
    """
    path = find(name, split, folder)
    found, lines = [], []
    for line, row in READERS[path.suffix](path):
        where = f"{path}:{line}"
        if not isinstance(row, Mapping):
            raise FrameworkError(f"{where}: a row is an object with columns, not {type(row).__name__}")
        for column in columns:
            if column not in row:
                raise FrameworkError(f"{where}: no column {column!r}: {did_you_mean(column, row)}")
        found.append(row)
        lines.append(line)
    return Rows(f"path {dataset.path}/{path.name}", found, lambda index: f"{path}:{lines[index]}")


def find(name: str, split: str, folder: Path) -> Path:
    """The file of a split.

    Raises:
        FrameworkError: there is none, or more than one.
    """
    candidates = [folder / f"{split}{suffix}" for suffix in READERS]
    found = [path for path in candidates if path.is_file()]
    if len(found) != 1:
        what = "several files: " + ", ".join(path.name for path in found) if found else "no file"
        raise FrameworkError(
            f"datasets.{name}: {what} for the split {split!r} in {folder}; "
            f"one of {', '.join(path.name for path in candidates)} is expected"
        )
    return found[0]


def _text(value: Any, where: str, column: str) -> str:
    if not isinstance(value, str):
        raise FrameworkError(f"{where}: {column!r} is {value!r}, not text")
    return value


def _label(value: Any, where: str, column: str) -> int | str:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return int(value) if value.isdecimal() else value
    if not isinstance(value, int):
        raise FrameworkError(f"{where}: {column!r} is {value!r}, not a class")
    return value
