"""Writes that either happened or did not: a reader never sees half a file."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_bytes(path: Path, data: bytes, last_look: Callable[[], None] | None = None) -> None:
    """Replace ``path`` by ``data``: written beside it, flushed to the disk, then renamed over it.

    ``last_look`` is called just before the renaming; what it raises leaves everything as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            os.chmod(temporary, path.stat().st_mode & 0o7777)
        else:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
        if last_look is not None:
            last_look()
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, data: Any) -> None:
    """Replace ``path`` by :func:`as_json` of ``data``."""
    write_text(path, as_json(data))


def as_json(data: Any) -> str:
    """JSON with sorted keys, for people too; NaN and infinities are refused, since other readers would not take them.

    Raises:
        ValueError: there is one.
    """
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_PARTIAL = ".partial"


def partial_of(path: Path) -> Path:
    """The temporary folder in which :func:`whole_folder` fills ``path``; a killed process leaves it."""
    return path.with_name(f".{path.name}{_PARTIAL}")


def of_partial(folder: Path) -> str | None:
    """The name of what a temporary folder was to become; None of another folder."""
    name = folder.name
    return name[1 : -len(_PARTIAL)] if name.startswith(".") and name.endswith(_PARTIAL) else None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to fill; when the block ends without an error it is flushed and renamed to ``path``."""
    temporary = partial_of(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for entry in sorted(temporary.rglob("*")):
            _flush(entry)
        _flush(temporary)
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
        _flush(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
