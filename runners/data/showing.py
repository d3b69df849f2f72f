"""How far the reading of a source has come: a bar on a terminal's standard error, nothing in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framework.cli.terminal import console
from runners.data.sources.splits import Meter

Tell = Callable[[int], None]
"""Told how many rows are prepared."""


@contextmanager
def shown(what: str, meter: Meter) -> Iterator[Tell]:
    """While the block runs: rows, MB read of MB, MB/s and the time that is left."""
    meter.done = 0
    if not console.err().is_terminal:
        yield lambda rows: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    more = (TextColumn("{task.fields[rows]}"), TimeRemainingColumn())
    with Progress(*columns, *more, console=console.err(), transient=True) as bar:
        task = bar.add_task(escape(what), total=meter.total or None, rows="")
        yield lambda rows: bar.update(task, completed=meter.done, rows=f"{rows:,} rows")


def waiting(what: str) -> Callable[[], None]:
    """Says once that another process is at it."""
    return lambda: console.note(f"another process prepares {what}; waiting for it")
