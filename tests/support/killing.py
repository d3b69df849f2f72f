"""Runs that are killed on the way, and what must be the same as if they had not been."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from framework.evidence.record import RunRecord, sha256_of
from framework.evidence.store import RunStore
from framework.planning.steps import Step
from runners.execute import execute
from runners.progress import Silent

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["runners.execute", "runners.adapters.lora", "runners.adapters.sgh"])


class Killed(Silent):
    """Ends its own process with SIGKILL as soon as so many optimizer steps are done."""

    def __init__(self, after: int):
        self.after = after

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        if done == self.after:
            os.kill(os.getpid(), signal.SIGKILL)


class Interruption(BaseException):
    """Ends an attempt in this process, as Ctrl-C does."""


class Interrupting(Silent):
    def __init__(self, after: int):
        self.after = after

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        if done == self.after:
            raise Interruption


def killed_after(steps: int, step: Step, root: Path) -> None:
    """Execute a step in a process of its own that dies after so many optimizer steps."""
    process = _SERVER.Process(target=execute, args=(step, RunStore(root / "runs"), root, Killed(steps)))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


def killed_when(seen: Callable[[], bool], step: Step, root: Path) -> None:
    """Execute a step in a process of its own that is killed as soon as something is seen."""
    process = _SERVER.Process(target=execute, args=(step, RunStore(root / "runs"), root, Silent()))
    process.start()
    while process.is_alive() and not seen():
        pass
    process.kill()
    process.join()


def evidence(folder: Path) -> dict[str, Any]:
    """All of a finished run that tells of neither time nor energy: files with their hashes, and the record's facts."""
    record = asdict(RunRecord.read(folder))
    assert record["status"] == "done"
    for name in ("started", "finished", "seconds", "attempts", "energy"):
        record.pop(name)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"record.json"}
    return {"record": record, "files": {name: sha256_of(folder / name) for name in files}}


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two pieces of evidence differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys())
        return [each for name in names for each in differences(one.get(name), other.get(name), f"{place}.{name}")]
    return [] if one == other else [f"{place}: {one!r} != {other!r}"]
