"""Which bound files a command names, by a path or by one with a variable in it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence

from framework.reading.nodes import CommandLine, ComputedNode

_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|\w+)")
_NAMES_A_FILE = re.compile(r"\.\w+$")


def named_by(
    command: CommandLine, names: Collection[str], paths: Collection[str], folders: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """The bound files that a command names, and where: by a path, or by one of which a variable is a part
    (`"configs/$1.yaml"`), which is each of those that it can be."""
    for word, at in command.words:
        name = word.rpartition("=")[2]
        path = _path(name, folders) if os.path.basename(name) in names else None
        if path is not None and path in paths:
            yield path, at
    for _, node in command.stated:
        pattern = pattern_of(node.text) if isinstance(node, ComputedNode) else None
        if pattern is None:
            continue
        for path in paths:
            if any(pattern.fullmatch(os.path.relpath(path, folder).replace(os.sep, "/")) for folder in folders):
                yield path, node.start


def pattern_of(text: str) -> re.Pattern[str] | None:
    """What a word with variables in it can be, as the name of a file; None for one that names no kind of file, or whose
    parts come from a command."""
    word = text.strip("\"'")
    if "$(" in word or "`" in word or not _NAMES_A_FILE.search(word):
        return None
    parts = [re.escape(part) for part in _VARIABLE.split(word.removeprefix("./"))]
    return re.compile("[^/]*".join(parts)) if len(parts) > 1 and any(parts) else None


def _path(name: str, folders: Sequence[str]) -> str | None:
    return next((os.path.abspath(full) for each in folders if os.path.isfile(full := os.path.join(each, name))), None)
