"""A forked child: how it is made, what it says, and that it ends with its parent.

Forking a parent that has imported torch costs milliseconds where importing it anew costs seconds, and a child shares
nothing with another one but what was imported. A parent that computed with several threads, or touched CUDA, has
children that hang: it may only import, and whatever computes does so in a child.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from framework.errors import FrameworkError, in_words

_PR_SET_PDEATHSIG = 1


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` returns, as JSON data, computed in a forked child, so that this process stays fit to fork.

    Raises:
        FrameworkError: with the text of what the work raised, or it ended without an answer.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            answer = {"answer": work()}
        except BaseException as problem:
            answer = {"error": in_words(problem)}
        with os.fdopen(writing, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    _, status = os.waitpid(pid, 0)
    if not text:
        raise FrameworkError(f"a child process ended without an answer: {how_ended(status)}")
    found = json.loads(text)
    if "error" in found:
        raise FrameworkError(found["error"])
    return found["answer"]


def say(pipe: int, what: str, *values: Any) -> None:
    """One line to the parent."""
    message = json.dumps([what, *values]).encode() + b"\n"
    while message:
        message = message[os.write(pipe, message) :]


def live(parent: int, pipe: int, log: Path, settle: Callable[[], None], work: Callable[[], Any]) -> NoReturn:
    """All of a child's life. It never returns into the parent's code, nor runs what the parent does at its exit."""
    code = 1
    try:
        _die_with(parent)
        _streams_to(log)
        settle()
        work()
        code = 0
    except BaseException as problem:
        traceback.print_exc()
        with suppress(OSError):
            say(pipe, "error", in_words(problem))
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _die_with(parent: int) -> None:
    """Have the kernel end this process when the parent ends, by whatever it ends (Linux; elsewhere it goes on)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _streams_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def how_ended(status: int) -> str:
    """What ``waitpid`` says of a process, in words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"killed by {signal.Signals(number).name}" + (" (out of memory?)" if number == signal.SIGKILL else "")
    return f"exit status {os.waitstatus_to_exitcode(status)}"
