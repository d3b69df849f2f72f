"""Starting a program and waiting for it: no shell, its own process group, its output in files."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any, Self

GRACE_SECONDS = 30.0
"""How long a program that was asked to end may take, before it is killed."""
_POLL_SECONDS = 0.2
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TAIL_BYTES, _TAIL_LINES = 8192, 20


class Ended(SystemExit):
    """This process was asked to end, and so was the program; the exit code is that of a shell."""

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.number = number

    def __str__(self) -> str:
        return f"ended by {signal.Signals(self.number).name}"


class TimedOut(Exception):
    """The program was ended after its declared time."""


@dataclass(slots=True)
class _Asked:
    """The first signal that this process got, and when."""

    number: int | None = None
    at: float = 0.0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __call__(self, number: int, frame: FrameType | None = None) -> None:
        if self.number is None:
            self.number, self.at = number, time.monotonic()
        if self.process is not None:
            _signal(self.process, number)


def run(
    argv: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    streams: tuple[Path, Path],
    *,
    held: Sequence[int] = (),
    seconds: float | None = None,
    tell: Callable[[str], None] | None = None,
    started: Callable[[int], None] = lambda pid: None,
) -> int:
    """Run a program to its end; its exit code, negative for a signal.

    Args:
        streams: The files that its standard output and error are added to.
        held: File descriptors that it inherits, such as that of a lock: held for as long as it runs.
        seconds: After how long it is ended.
        tell: Receives each line that it writes, while it runs.
        started: Receives its process id, which is also that of its group.

    Raises:
        Ended, KeyboardInterrupt: this process was asked to end; the program was too, and has ended.
        TimedOut: it took too long, and was ended.
        OSError: it cannot be started.
    """
    asked = _Asked()
    with ExitStack() as held_open:
        output, errors = (held_open.enter_context(path.open("ab")) for path in streams)
        following = [held_open.enter_context(_Follower(path, tell)) for path in streams] if tell else []
        held_open.enter_context(_listening(asked))
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            pass_fds=tuple(held),
            start_new_session=True,
        )
        asked.process = process
        if asked.number is not None:
            _signal(process, asked.number)
        started(process.pid)
        late = _wait(process, asked, seconds, following)
    if asked.number == signal.SIGINT:
        raise KeyboardInterrupt
    if asked.number is not None:
        raise Ended(asked.number)
    if late:
        raise TimedOut
    return int(process.returncode)


def _wait(
    process: subprocess.Popen[bytes], asked: _Asked, seconds: float | None, following: Sequence[_Follower]
) -> bool:
    """Wait for the end; whether the time was up. Who does not end when asked is killed, with all of its group."""
    begun, ended_at = time.monotonic(), None
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)
        for each in following:
            each.follow()
        if process.returncode is not None:
            if asked.number is not None or ended_at is not None:
                _signal(process, signal.SIGKILL)  # what its workers have left of the group
            return ended_at is not None
        now = time.monotonic()
        if seconds is not None and ended_at is None and now - begun > seconds:
            ended_at = now
            _signal(process, signal.SIGTERM)
        since = asked.at if asked.number is not None else ended_at
        if since is not None and now - since > GRACE_SECONDS:
            _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@contextmanager
def _listening(asked: _Asked) -> Iterator[None]:
    """Take the signals that ask this process to end; only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}
    try:
        for number in _PASSED_ON:
            before[number] = signal.signal(number, asked)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Follower:
    """What is added to a file, line by line; of a line that rewrites itself (a progress bar) only its last state."""

    def __init__(self, path: Path, tell: Callable[[str], None]):
        self._stream: IO[bytes] = path.open("rb")
        self._stream.seek(0, os.SEEK_END)
        self._tell = tell
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.follow()
        if self._rest:
            self._tell(_shown(self._rest))
        self._stream.close()

    def follow(self) -> None:
        *lines, self._rest = (self._rest + self._stream.read()).split(b"\n")
        for line in lines:
            self._tell(_shown(line))


def _shown(line: bytes) -> str:
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")


def tail(path: Path) -> str:
    """The last lines of a file."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = stream.read().strip().split(b"\n")
    return "\n".join(_shown(line) for line in lines[-_TAIL_LINES:])
