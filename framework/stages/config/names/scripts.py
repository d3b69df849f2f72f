"""The scripts of a project's folder, for rules that look at what launches a training."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from framework.reading.decoding import open_regular
from framework.stages.config.names.spellings import Kind

_KINDS: dict[str, Kind] = {
    ".sh": "shell", ".bash": "shell", ".slurm": "shell", ".sbatch": "shell", ".py": "python", ".mk": "make",
}  # fmt: skip
_SKIPPED = {
    "venv", "env", "site-packages", "node_modules", "__pycache__", "runs", "wandb", "mlruns", "outputs", "build",
    "dist", "tests", "test", "docs", "documents", "third_party", "vendor", "external", "data", "checkpoints",
}  # fmt: skip
MOST, DEEPEST, LARGEST = 1000, 6, 256 * 1024
"""Scripts that are read, folders below the project that are entered, and bytes above which a script is left out."""


@dataclass
class Script:
    """One script."""

    shown: str
    kind: Kind
    data: bytes

    @cached_property
    def text(self) -> str:
        """The text; comments are blanked, so that places stay what they are."""
        text = self.data.decode("utf-8", "replace")
        return re.sub(r"(?m)(?:^|(?<=\s))#.*$", lambda match: " " * len(match[0]), text)

    def place(self, start: int) -> tuple[int, int]:
        """Line and column of a place in the text."""
        return self.text.count("\n", 0, start) + 1, start - (self.text.rfind("\n", 0, start) + 1) + 1


def scripts(root: Path) -> Iterator[Script]:
    """The scripts below a folder, by path: shell, Slurm, Python and make. Hidden folders, environments, tests,
    documents and what runs leave behind are not entered."""
    found = sorted(_below(str(root), 0))[:MOST]
    for name, kind in found:
        path = Path(name)
        try:
            with open_regular(path) as stream:
                data = stream.read()
        except OSError:
            continue
        yield Script(_shown(path), kind, data)


def _below(folder: str, depth: int) -> Iterator[tuple[str, Kind]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            entered = entry.name not in _SKIPPED and not entry.name.endswith(".egg-info") and depth < DEEPEST
            if entered and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield from _below(entry.path, depth + 1)
        elif (kind := _kind(entry.name)) and entry.is_file(follow_symlinks=False) and entry.stat().st_size <= LARGEST:
            yield entry.path, kind


def _kind(name: str) -> Kind | None:
    if name in ("Makefile", "makefile", "GNUmakefile", "justfile"):
        return "make"
    return _KINDS.get(os.path.splitext(name)[1])


def _shown(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
