"""The files that a binding matches, parsed once per process and content."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.bindings import Binding
from framework.reading.nodes import Document
from framework.reading.scalars import Rules
from framework.reading.yaml_file import read_yaml


def bound_files(root: Path, binding: Binding, declared: Location | None = None) -> list[Document]:
    """The documents of one binding, by path.

    Raises:
        InputError: the pattern matches no file, leads out of the project, or a file cannot be read.
    """
    paths = matching(root, binding.file)
    if not paths:
        raise InputError.at(
            declared,
            f"the binding {binding.file!r} matches no file below {root}",
            "correct `file`, or remove the binding",
        )
    return [_read(path, _shown(path), binding.reader, *_state(path)) for path in paths]


def matching(root: Path, pattern: str) -> list[Path]:
    """The files below ``root`` that a path or pattern names, sorted."""
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise InputError.at(None, f"a config file must lie below the project: {pattern!r}")
    return sorted(path for path in root.glob(pattern) if path.is_file())


def _shown(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4096)
def _read(path: Path, shown: str, rules: Rules, modified: int, size: int) -> Document:
    return read_yaml(path, shown, rules)
