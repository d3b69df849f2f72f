"""Local files of rows, read as a stream: JSON lines, JSON, CSV, Parquet and text, also compressed."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

from framework.errors import FrameworkError

Row = tuple[int, Mapping[str, Any]]
"""The line that a row begins in (its number, in `.json` and `.parquet`), and its values by column."""
Heard = Callable[[int], None]
"""Told how many bytes of a file were read."""
_BLOCK = 1 << 18
_BATCH = 1 << 21
_SPACE = " \t\n\r"
_LONGEST_WORD = 16
"""More letters than a JSON literal or an escape has (`-Infinity`, two `\\uXXXX`)."""


def ignored(_: int) -> None:
    """For reading that nobody follows."""


def _zstandard(raw: Any) -> Any:
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(raw, mode="r"), "zstd")


COMPRESSED: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zstandard,
}
"""Endings of compressed files, and what unpacks a binary stream."""


class _Heard(io.FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, path: Path, heard: Heard):
        super().__init__(path, "rb")
        self._heard = heard

    def readinto(self, buffer: Any) -> int | None:
        size = super().readinto(buffer)
        self._heard(size or 0)
        return size


@contextmanager
def _opened(path: Path, heard: Heard, newline: str | None = None, encoding: str = "utf-8-sig") -> Iterator[IO[str]]:
    """A file's text, decompressed where its name says so; a byte order mark, as Excel writes one, is no part of it.

    Raises:
        FrameworkError: it is not UTF-8, or no whole compressed file.
    """
    unpack = COMPRESSED.get(path.suffix)
    with _bytes_of(path, heard) as raw, io.TextIOWrapper(raw, encoding, newline=newline) as stream:
        try:
            yield stream
        except UnicodeDecodeError as problem:
            raise FrameworkError(f"{path}: not UTF-8: {problem.reason} ({_near(path)})") from None
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as problem:
            raise FrameworkError(f"{path}: not a whole compressed file: {problem}") from None
        except OSError as problem:
            if unpack is None or problem.errno is not None:
                raise
            raise FrameworkError(f"{path}: not a whole compressed file: {problem}") from None


@contextmanager
def _bytes_of(path: Path, heard: Heard) -> Iterator[Any]:
    unpack = COMPRESSED.get(path.suffix)
    with io.BufferedReader(_Heard(path, heard), _BLOCK) as raw:
        if unpack is None:
            yield raw
            return
        with unpack(raw) as unpacked:
            yield io.BufferedReader(unpacked, _BLOCK)


def _near(path: Path) -> str:
    """The line of the first byte that is not UTF-8, for a message."""
    with _bytes_of(path, ignored) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode()
            except UnicodeDecodeError as problem:
                return f"line {number}, byte {problem.start + 1}"
    return "at its end"


def _jsonl(path: Path, _: Sequence[str], heard: Heard) -> Iterator[Row]:
    with _opened(path, heard) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as problem:
                    raise FrameworkError(f"{path}:{number}: not JSON: {_reason(problem)}") from None
                yield number, row


def _reason(problem: Exception) -> str:
    """Why a text is no JSON, or none that Python reads: too deep, or with a number of too many digits."""
    if isinstance(problem, RecursionError):
        return "nested too deeply"
    return problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)


class _Window:
    """What a JSON file holds from where reading has come to, and the lines before."""

    def __init__(self, path: Path, stream: IO[str]):
        self.path, self.stream, self.text, self.at, self.lines = path, stream, "", 0, 0

    def more(self) -> bool:
        """Read on, at least as much as is kept: a long row is begun again as often as its length has doubled."""
        block = self.stream.read(max(_BLOCK, len(self.text) - self.at))
        if block:
            self.lines += self.text.count("\n", 0, self.at)
            self.text, self.at = self.text[self.at :] + block, 0
        return bool(block)

    def next(self) -> str:
        """The next letter that is no space; nothing at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def value(self) -> Any:
        """The value that begins here; it is whole where something follows it."""
        while True:
            try:
                found, end = json.JSONDecoder().raw_decode(self.text, self.at)
            except json.JSONDecodeError as problem:
                # A row that is cut off is read on; for another fault the rest of the file is not read into memory.
                cut = problem.msg.startswith("Unterminated string") or len(self.text) - problem.pos < _LONGEST_WORD
                if not cut or not self.more():
                    raise self.fault(problem.msg, problem.pos) from None
                continue
            except (ValueError, RecursionError) as problem:
                raise self.fault(_reason(problem)) from None
            if end == len(self.text) and self.more():
                continue
            self.at = end
            return found

    def fault(self, what: str, at: int | None = None) -> FrameworkError:
        line = self.lines + self.text.count("\n", 0, self.at if at is None else at) + 1
        return FrameworkError(f"{self.path}:{line}: not JSON: {what}")


def _json(path: Path, _: Sequence[str], heard: Heard) -> Iterator[Row]:
    with _opened(path, heard) as stream:
        window = _Window(path, stream)
        if window.next() != "[":
            found = window.value()
            if window.next():
                raise window.fault("Extra data")
            raise FrameworkError(f"{path}:1: a list of rows is expected, not {type(found).__name__}")
        window.at += 1
        if window.next() == "]":
            window.at += 1
        else:
            for number in count(1):
                yield number, window.value()
                letter = window.next()
                if letter not in (",", "]"):
                    raise window.fault("Expecting ',' delimiter")
                window.at += 1
                if letter == "]":
                    break
                window.next()
        if window.next():
            raise window.fault("Extra data")


def _csv(path: Path, _: Sequence[str], heard: Heard) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize >> 1)  # a field may be a whole document; without this 128 KiB is the most
    with _opened(path, heard, newline="") as stream:
        reader = csv.DictReader(stream)
        try:
            for row in reader:
                yield reader.line_num, row
        except csv.Error as problem:
            raise FrameworkError(f"{path}:{reader.line_num}: not CSV: {problem}") from None


def _parquet(path: Path, columns: Sequence[str], heard: Heard) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            known = set(file.schema_arrow.names)
            wanted = list(columns) if columns and set(columns) <= known else None
            number = 0
            each = path.stat().st_size / max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata), columns=wanted):
                heard(int(each * len(batch)))
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pyarrow.ArrowInvalid as problem:
        raise FrameworkError(f"{path}: not Parquet: {problem}") from None


def _rows_at_once(metadata: Any) -> int:
    """As many rows as some MB of the file's values, unpacked."""
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return max(1, min(1000, _BATCH * metadata.num_rows // max(1, size)))


def text_blocks(path: Path, heard: Heard = ignored) -> Iterator[str]:
    """A text file's text as it is, block by block, with line breaks as Python reads them.

    Raises:
        FrameworkError: it is not UTF-8, or no whole compressed file.
    """
    with _opened(path, heard, encoding="utf-8") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _txt(path: Path, _: Sequence[str], heard: Heard) -> Iterator[Row]:
    yield 1, {"text": "".join(text_blocks(path, heard))}


READERS: dict[str, Callable[[Path, Sequence[str], Heard], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".txt": _txt,
}
"""By the ending of the name; but for Parquet, which compresses by itself, another may follow that of `COMPRESSED`."""


def format_of(path: Path) -> str:
    """The ending by which a file is read, without that of its compression."""
    return Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix
