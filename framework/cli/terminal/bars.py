"""The line of a progress bar, which keeps what matters however narrow the terminal is: a name, cut where it must be,
the bar, the steps, the time left, and as much of a note as there is room for."""

from __future__ import annotations

from typing import Any

_BAR = 14
_NAME = 16
"""Columns that a name keeps at least."""
_FIXED = 40
"""Columns of the bar, the steps and the time left."""


def bars(console: Any, **options: Any) -> Any:
    """A display of progress bars on a console of rich's; the task's field `note` is parts after each other, parted by
    commas, the most important first."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class Note(ProgressColumn):
        """The first parts of the note, as many as fit."""

        def render(self, task: Any) -> Text:
            return Text(fitting(task.fields.get("note", ""), console.width - _FIXED - _NAME))

    columns = (
        TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=_BAR),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        Note(table_column=Column(no_wrap=True)),
    )
    return Progress(*columns, console=console, transient=True, expand=True, **options)


def fitting(note: str, width: int) -> str:
    """The first parts of a note that fit into so many columns."""
    kept = ""
    for part in note.split(", "):
        longer = f"{kept}, {part}" if kept else part
        if len(longer) > width:
            break
        kept = longer
    return kept
