"""Files as text: the encoding checked, the byte-order mark taken off, a bound on the size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from framework.errors import InputError
from framework.locations import Location

NO_SUCH_FILE = "no such file"
LARGEST = 32 * 1024 * 1024
"""Bytes above which a file is no config: it is refused instead of read."""


def open_regular(path: Path | str) -> BinaryIO:
    """A file, open for reading bytes, if it is a regular one (or a link to one): a pipe would be waited for, and a
    device need not end.

    Raises:
        OSError: it cannot be opened, or is none.
    """
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
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise InputError.at(
                    Location(shown, 1, 1), f"larger than {LARGEST // 2**20} MiB: not read as a config file"
                )
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
