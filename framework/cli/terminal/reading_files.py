"""How far the reading of local files has come, where it takes a while: a bar on a terminal, else a line a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.terminal import console
from framework.evidence.remembering.file_digest import told

if TYPE_CHECKING:
    from rich.progress import Progress

_A_WHILE = 0.5
"""Seconds after which a reader would wonder."""


@contextmanager
def shown_reading() -> Iterator[None]:
    """While the block runs: which file is read to know it by its content, and how much of it. A file that is
    remembered is not read, and nothing is said of it."""
    showing = _Showing()
    try:
        with told(showing.heard):
            yield
    finally:
        showing.end()


class _Showing:
    def __init__(self) -> None:
        self._begun: float | None = None
        self._bar: Progress | None = None
        self._task: Any = None
        self._file: Path | None = None

    def heard(self, path: Path, done: int, total: int) -> None:
        if self._begun is None:
            self._begun = time.monotonic()
        if time.monotonic() - self._begun < _A_WHILE:
            return
        if path != self._file:
            self._file = path
            self._name(path, total)
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def _name(self, path: Path, total: int) -> None:
        what = f"reads {path.name} ({total / 1e6:,.0f} MB) once, to know it by its content"
        if not console.err().is_terminal:
            console.note(what)
            return
        from rich.markup import escape
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console.err(), transient=True)
            self._bar.start()
        else:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(escape(what), total=total or None)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
