"""Files as text: the encoding checked, the byte-order mark taken off, a bound on the size."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from framework.errors import InputError
from framework.locations import Location

NO_SUCH_FILE = "no such file"
LARGEST = 32 * 1024 * 1024
"""Bytes above which a file is no config: it is refused instead of read."""
_unsaved: dict[str, bytes] = {}
"""By real path, what is read in the place of the file on disk."""


@contextmanager
def unsaved(texts: Mapping[str, str]) -> Iterator[None]:
    """Inside, files say what an editor holds of them and has not saved; ``texts`` is by real path. Nothing is
    written."""
    before = dict(_unsaved)
    # A half of a surrogate pair, which JSON can carry, becomes bytes that are no UTF-8: refused with its place.
    _unsaved.update((path, text.encode("utf-8", "surrogatepass")) for path, text in texts.items())
    try:
        yield
    finally:
        _unsaved.clear()
        _unsaved.update(before)


def _in_editor(path: Path | str) -> bytes | None:
    return _unsaved.get(os.path.realpath(path)) if _unsaved else None


def state_of(path: Path | str) -> tuple[int, int]:
    """What differs when the file reads differently: the time of its last change in nanoseconds and its size; zeros
    where there is none."""
    if (data := _in_editor(path)) is not None:
        return hash(data), -1 - len(data)
    try:
        state = os.stat(path)
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def open_regular(path: Path | str) -> BinaryIO:
    """A file, open for reading bytes, if it is a regular one (or a link to one): a pipe would be waited for, and a
    device need not end.

    Raises:
        OSError: it cannot be opened, or is none.
    """
    if (data := _in_editor(path)) is not None:
        return BytesIO(data)
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        os.close(handle)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "a pipe, a device or a socket, not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_text(path: Path | str, shown: str) -> str:
    """The file's text, without a byte-order mark; ``shown`` is its name in messages.

    Raises:
        InputError: it cannot be read, is larger than :data:`LARGEST`, or is not UTF-8.
    """
    try:
        with open_regular(path) as file:
            if file.seek(0, os.SEEK_END) > LARGEST:
                raise InputError.at(
                    Location(shown, 1, 1), f"larger than {LARGEST // 2**20} MiB: not read as a config file"
                )
            file.seek(0)
            data = file.read()
    except FileNotFoundError:
        raise InputError.at(Location(shown, 1, 1), NO_SUCH_FILE) from None
    except IsADirectoryError:
        raise InputError.at(Location(shown, 1, 1), "a folder, not a file") from None
    except OSError as problem:
        raise InputError.at(Location(shown, 1, 1), f"cannot be read: {problem.strerror or problem}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        # Without the byte-order mark, which the positions do not count.
        data = problem.object
        before = data[: problem.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise InputError.at(
            Location(shown, line, column),
            f"not UTF-8: the byte 0x{data[problem.start]:02x} cannot be read here",
            "save the file as UTF-8",
        ) from None
