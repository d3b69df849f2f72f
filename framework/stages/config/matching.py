"""The files that a binding matches, parsed once per process and content as long as there are few."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from functools import lru_cache
from pathlib import Path, PurePosixPath

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.sections.bindings import Binding, as_glob
from framework.reading.decoding import state_of
from framework.reading.formats import read
from framework.reading.nodes import Document

_MOST = 256
_documents: dict[tuple[str, str, str | None, tuple[str, ...]], tuple[tuple[int, int], Document]] = {}
"""By path, name, reader and keys of bases: the file's state when it was read, and what was read. The oldest make room:
who looks at more files than this reads them again, so that memory does not grow with the project."""


def bound_names(root: Path, here: str, binding: Binding, declared: Location | None = None) -> list[str]:
    """The files of one binding, sorted by path, by the names that messages show: as seen from the folder ``here``
    where they lie below it.

    Raises:
        InputError: the pattern matches no file, or leads out of the project.
    """
    paths = _matching(root, binding.file, declared)
    if not paths:
        why, advice = _why_none(root, binding.file)
        raise InputError.at(declared, f"the binding {binding.file!r} {why}", advice)
    above = here.rstrip("/") + "/"
    return [path.removeprefix(above) for path in paths]


def _why_none(root: Path, pattern: str) -> tuple[str, str]:
    """What there is instead of a file that can be read, and what to do."""
    path = os.path.join(root, pattern)
    if os.path.isdir(path):
        inside = (PurePosixPath(pattern) / "*.yaml").as_posix()
        return "names a folder, not files", f"name what lies in it: {inside!r}"
    if os.path.exists(path):
        return "is no regular file (a pipe, a socket or a device)", "name a file"
    if os.path.islink(path):
        return "is a link to what is not there", "correct the link, or remove the binding"
    return f"matches no file below {root}", "correct `file`, or remove the binding"


def read_bound(name: str, here: str, binding: Binding) -> Document:
    """One of the files of a binding (see :func:`bound_names`), as its own consumer reads it.

    Raises:
        InputError: it cannot be read.
    """
    path, reader, bases = os.path.join(here, name), reader_of(binding, name), _bases_of(binding)
    key, state = (path, name, reader, bases), state_of(path)
    kept = _documents.get(key)
    if kept is not None and kept[0] == state and all(state_of(other) == was for other, was in kept[1].composed):
        return kept[1]
    document = read(path, name, reader, bases)
    document.composed = [(other, state_of(other)) for other, _ in document.composed]
    if len(_documents) >= _MOST:
        del _documents[next(iter(_documents))]
    _documents[key] = (state, document)
    return document


def reader_of(binding: Binding, name: str) -> str | None:
    """How the file's own consumer reads it: as the binding says, else, for YAML, as its dialect's trainer does."""
    if binding.reader is not None or binding.dialect is None or not name.lower().endswith((".yaml", ".yml")):
        return binding.reader
    from framework.dialects.registry import dialect

    return dialect(binding.dialect).reader


def _bases_of(binding: Binding) -> tuple[str, ...]:
    """The keys under which the dialect's files name their bases."""
    if binding.dialect is None:
        return ()
    from framework.dialects.registry import dialect

    return dialect(binding.dialect).bases


def matching(root: Path, pattern: str, declared: Location | None = None) -> list[Path]:
    """The files below ``root`` that a path or pattern names, sorted.

    Raises:
        InputError: the pattern leads out of ``root``, or is none.
    """
    return [Path(name) for name in _matching(root, pattern, declared)]


_SPECIAL = re.compile(r"[*?\[]")


def _matching(root: Path, pattern: str, declared: Location | None) -> list[str]:
    pattern = as_glob(pattern)
    parts = Path(pattern).parts
    if not parts:
        return []  # the project's folder itself
    if Path(pattern).is_absolute() or ".." in parts:
        raise InputError.at(declared, f"a config file must lie below the project: {pattern!r}")
    folder, last = os.path.join(root, *parts[:-1]), parts[-1]
    try:
        if "**" not in last and not _SPECIAL.search("".join(parts[:-1])):
            return sorted(_in_folder(folder, last))
        return sorted(str(path) for path in root.glob(pattern) if path.is_file())
    except (OSError, ValueError, IndexError, RecursionError) as problem:
        raise InputError.at(declared, f"not a path or a pattern of files: {pattern[:80]!r} ({problem})") from None


def _in_folder(folder: str, name: str) -> list[str]:
    """The files of one folder: as `glob` finds them, and without an object for each of thousands."""
    if not _SPECIAL.search(name):
        path = os.path.join(folder, name)
        return [path] if os.path.isfile(path) else []
    fits = _compiled(name).match
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if fits(entry.name) and _is_file(entry)]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False  # a link that leads in a circle


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
