"""Datasets in local files: `<folder>/<split>.jsonl`, `.json`, `.csv`, `.parquet` or `.txt`, also compressed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.remembering.file_digest import digest_of
from framework.names import did_you_mean
from runners.data.sources.readers import COMPRESSED, READERS, format_of, ignored, text_blocks
from runners.data.sources.splits import Label, Meter, Split


def split_in(name: str, stated: str, split: str, folder: Path) -> Split:
    """The one file of that split; a `.txt` file is one row with the column `text`.

    Reading raises FrameworkError for a column that a row lacks, with file and line (in `.json` and `.parquet`, the
    number of the row).

    Args:
        stated: The folder as the manifest states it.

    Raises:
        FrameworkError: no file or several.
    """
    path = find(name, split, folder)
    kind = format_of(path)
    meter = Meter(path.stat().st_size)

    def read(columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for line, row in READERS[kind](path, columns, meter.heard):
            yield _values(row, columns, path, line)

    def place(index: int) -> str:
        line, _ = next(islice(READERS[kind](path, (), ignored), index, None))
        return f"{path}:{line}"

    return Split(
        f"path {stated}/{path.name}",
        read,
        place,
        lambda: f"{kind} {digest_of(path)}",
        _label,
        files=(path,),
        meter=meter,
        whole_text=(lambda: text_blocks(path, meter.heard)) if kind == ".txt" else None,
    )


def _values(row: Any, columns: Sequence[str], path: Path, line: int) -> tuple[Any, ...]:
    if not isinstance(row, Mapping):
        raise FrameworkError(f"{path}:{line}: a row is an object with columns, not {type(row).__name__}")
    for column in columns:
        if column not in row:
            raise FrameworkError(f"{path}:{line}: no column {column!r}: {did_you_mean(column, row)}")
        if not _is_unicode(row[column]):
            raise FrameworkError(
                f"{path}:{line}: {column!r} has half of a character (a surrogate such as `\\ud800` alone)"
            )
    return tuple(row[column] for column in columns)


def _is_unicode(value: Any) -> bool:
    """Whether texts can be encoded: JSON can spell some that cannot."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return all(map(_is_unicode, value)) if isinstance(value, list) else True


def find(name: str, split: str, folder: Path) -> Path:
    """The file of a split.

    Raises:
        FrameworkError: there is none, or more than one.
    """
    plain = [folder / f"{split}{suffix}" for suffix in READERS]
    packed = [Path(f"{path}{more}") for path in plain if path.suffix != ".parquet" for more in COMPRESSED]
    found = [path for path in (*plain, *packed) if path.is_file()]
    if len(found) != 1:
        what = "several files: " + ", ".join(path.name for path in found) if found else "no file"
        raise FrameworkError(
            f"datasets.{name}: {what} for the split {split!r} in {folder}; "
            f"one of {', '.join(path.name for path in plain)} is expected (text also as {', '.join(COMPRESSED)})"
        )
    return found[0]


def _label(value: Any) -> Label | None:
    """A class as files state it: a number, as digits too, a truth value, or a name; None for what is no class."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return int(value) if value.isdecimal() else value
    return value if isinstance(value, int) else None
