"""A config file's bytes, and putting others in their place: wholly or not at all, and only if nobody else did."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framework.evidence.atomic import write_bytes
from framework.reading.decoding import open_regular
from framework.repair.splices import Uncertain

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read. ``text`` is without the byte-order mark, with the line endings that it has."""

    path: Path
    data: bytes
    text: str

    def with_text(self, text: str) -> bytes:
        """The bytes of the file with another text: the byte-order mark stays."""
        return (BOM if self.data.startswith(BOM) else b"") + text.encode("utf-8")


def read_source(path: Path, root: Path) -> Source:
    """The file behind a name; through a link, the file that it points to.

    Raises:
        Uncertain: it lies outside the project, or may not be written.
    """
    real = path.resolve()
    if not real.is_relative_to(root.resolve()):
        raise Uncertain("it lies outside the project")
    state = real.stat()
    if not state.st_mode & stat.S_IWUSR or not os.access(real, os.W_OK):
        raise Uncertain("the file is read-only")
    with open_regular(real) as stream:
        data = stream.read()
    return Source(real, data, data.decode("utf-8-sig"))


def replace(source: Source, data: bytes) -> None:
    """Put ``data`` in the place of what was read.

    Raises:
        Uncertain: the file holds something else by now.
    """
    before = source.path.stat()

    def unchanged() -> None:
        if source.path.read_bytes() != source.data:
            raise Uncertain("the file was changed by something else meanwhile")

    write_bytes(source.path, data, unchanged)
    after = source.path.stat()
    if after.st_mtime_ns == before.st_mtime_ns:  # who goes by the time of the change must see one
        os.utime(source.path, ns=(after.st_atime_ns, after.st_mtime_ns + 1))


def unified(shown: str, before: str, after: str) -> Iterator[str]:
    """A unified diff that `patch` and `git apply` take, line endings included."""
    # `keepends` with "\n" alone: a lone carriage return is no line ending to these programs.
    old, new = (text.split("\n") for text in (before, after))
    lines = [[f"{line}\n" for line in part[:-1]] + ([part[-1]] if part[-1] else []) for part in (old, new)]
    for line in difflib.unified_diff(lines[0], lines[1], f"a/{shown}", f"b/{shown}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
