"""`framework check --watch`: look at the times of the files, and check again when one changed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
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


def watch_check(options: argparse.Namespace, check: Callable[[argparse.Namespace], int]) -> int:
    """`framework check --watch`: ``check`` runs one check and gives its exit code."""

    def once() -> int:
        from framework.cli.terminal import console
        from framework.errors import FrameworkError

        try:
            return check(options)
        except FrameworkError as problem:  # a manifest that is broken for a moment does not end it
            console.refusal(problem)
            return 2

    def say(line: str) -> None:
        sys.stdout.flush()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    patterns = _Patterns(options)
    return watch(once, patterns.files, say)


class _Patterns:
    """The manifest, the baseline and the bound files; the manifest is read again only when it changed."""

    def __init__(self, options: argparse.Namespace):
        manifest = Path(options.manifest)
        self.manifest = manifest / "experiment.yaml" if manifest.is_dir() else manifest
        self.baseline: Path | None = options.baseline
        self._read: State = {}
        self._patterns: list[str] = []

    def files(self) -> Iterator[Path]:
        from framework.errors import FrameworkError
        from framework.manifest.loading import load
        from framework.stages.config.matching import matching

        yield from (file for file in (self.manifest, self.baseline) if file is not None)
        try:
            if (now := state_of([self.manifest])) != self._read:
                self._read = now
                self._patterns = [binding.file for binding in load(self.manifest).stated.configs]
            for pattern in self._patterns:
                yield from matching(self.manifest.absolute().parent, pattern)
        except FrameworkError:
            return
