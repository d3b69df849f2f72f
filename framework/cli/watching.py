"""`framework check --watch`: look at the times of the files, and check again when one changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

INTERVAL = 0.5
"""Seconds between two looks."""

State = dict[Path, tuple[int, int] | None]


def state_of(files: Iterable[Path]) -> State:
    """Size and time of the last change of each file; None where there is none."""
    found: State = {}
    for file in files:
        try:
            state = os.stat(file)
        except OSError:
            found[file] = None
        else:
            found[file] = (state.st_size, state.st_mtime_ns)
    return found


def watch(
    once: Callable[[], int],
    files: Callable[[], Iterable[Path]],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run ``once`` now and after each change of the files; the exit code of the last run, when interrupted.

    ``files`` is asked anew at each look, since a pattern may match a new file.
    """
    code = 0
    try:
        while True:
            before = state_of(files())
            code = once()
            say(f"watching {len(before)} files; Ctrl-C ends")
            while (now := state_of(files())) == before:
                sleep(INTERVAL)
            say(f"changed: {_changed(before, now)}")
    except KeyboardInterrupt:
        say("stopped watching")
        return code


def _changed(before: State, now: State) -> str:
    names = [file.name for file in {**before, **now} if before.get(file) != now.get(file)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
