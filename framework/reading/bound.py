"""The files that a binding matches, parsed once per process and content."""

from __future__ import annotations

import os
from pathlib import Path

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.bindings import Binding
from framework.reading.formats import read
from framework.reading.nodes import Document

_MOST = 4096
_documents: dict[tuple[Path, str, str | None, int, int], Document] = {}


def bound_files(root: Path, binding: Binding, declared: Location | None = None) -> list[Document]:
    """The documents of one binding, by path.

    Raises:
        InputError: the pattern matches no file, leads out of the project, or a file cannot be read.
    """
    paths = matching(root, binding.file, declared)
    if not paths:
        raise InputError.at(
            declared,
            f"the binding {binding.file!r} matches no file below {root}",
            "correct `file`, or remove the binding",
        )
    shown = _Shown()
    return [_read(path, shown.name(path), _reader(binding, path)) for path in paths]


def _reader(binding: Binding, path: Path) -> str | None:
    """How the file's own consumer reads it: as the binding says, else, for YAML, as its dialect's trainer does."""
    if binding.reader is not None or binding.dialect is None or path.suffix.lower() not in (".yaml", ".yml"):
        return binding.reader
    from framework.dialects.registry import dialect

    return dialect(binding.dialect).reader


def matching(root: Path, pattern: str, declared: Location | None = None) -> list[Path]:
    """The files below ``root`` that a path or pattern names, sorted.

    Raises:
        InputError: the pattern leads out of ``root``, or is none.
    """
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise InputError.at(declared, f"a config file must lie below the project: {pattern!r}")
    try:
        return sorted((path for path in root.glob(pattern) if path.is_file()), key=str)
    except (OSError, ValueError, IndexError, RecursionError) as problem:
        raise InputError.at(declared, f"not a path or a pattern of files: {pattern[:80]!r} ({problem})") from None


class _Shown:
    """How paths stand in messages: relative to the current folder where they lie below."""

    def __init__(self) -> None:
        self._prefix = os.getcwd().rstrip("/") + "/"

    def name(self, path: Path) -> str:
        text = str(path)
        if not path.is_absolute() or not text.startswith(self._prefix):
            return text
        return text[len(self._prefix) :]


def _state(path: Path) -> tuple[int, int]:
    try:
        state = os.stat(path)
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def _read(path: Path, shown: str, reader: str | None) -> Document:
    key = (path, shown, reader, *_state(path))
    document = _documents.get(key)
    if document is None or any(_state(other) != state for other, state in document.composed):
        if len(_documents) >= _MOST:
            _documents.clear()
        document = read(path, shown, reader)
        document.composed = [(other, _state(other)) for other, _ in document.composed]
        _documents[key] = document
    return document
