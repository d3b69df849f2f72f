"""A step that a command trains: start it, or go on with it, and take what it leaves."""

from __future__ import annotations

import fcntl
import json
import shlex
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.atomic import write_json, write_text
from framework.evidence.locks import lock_of_command
from framework.evidence.logs.registry import natural
from framework.planning.commands.command import Command, filled
from runners.command import process
from runners.command.collect import collect
from runners.command.places import CONFIGS, KEPT, OUTPUT, STATE, STDERR, STDOUT, environment_of, places_of, program_of
from runners.processes import this_process
from runners.step_context import RunContext


def train_by_command(context: RunContext, command: Command) -> None:
    """Run the command of a step, and fill the record and the run's folder with what it leaves.

    One that ended well is not run again where reading its outputs failed afterwards: they are only read again.

    Raises:
        FrameworkError: it cannot be started, is still running, ended otherwise than with exit code 0, or what the
            runner says that it leaves is not there.
    """
    if this_process().num_processes > 1:
        raise FrameworkError(f"runners.{command.runner} starts its own processes: start `framework` once")
    run = _Run(context, command)
    run.prepare()
    if run.ended_well():
        context.progress.message("its command ended well before: only its outputs are read again")
    else:
        run.start()
    collect(context, command, run.folder / OUTPUT)


class _Run:
    def __init__(self, context: RunContext, command: Command):
        self.context, self.command, self.folder = context, command, context.folder
        self.places = places_of(context.step, command, context.folder, context.project, context.parent)
        self.argv: tuple[str, ...] = tuple(filled(command.argv, self.places))
        self.environment = environment_of(command, self.places)
        self.state = self.folder / STATE

    def prepare(self) -> None:
        for name in self.command.configs:
            write_text(self.folder / CONFIGS / name, self.command.text(name, self.places))
        declared = filled(dict(self.command.environment), self.places)
        self.context.record.observed["command"] = {
            "runner": self.command.runner,
            "argv": list(self.argv),
            "environment": declared,
            "sources": dict(self.command.sources),
            "passed": list(self.command.passed),
            "notes": list(self.command.notes),
        }

    def ended_well(self) -> bool:
        """Whether an attempt before this one ran to its end."""
        try:
            before = json.loads(self.state.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(before, dict) and before.get("exit_code") == 0

    def start(self) -> None:
        progress = self.context.progress
        with _alone(self.context) as lock:
            arguments = self._resumed()
            if not arguments:
                for name in KEPT:
                    left = self.folder / name
                    shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
            (self.folder / OUTPUT).mkdir(exist_ok=True)
            argv = (*self.argv, *arguments)
            observed = self.context.record.observed["command"]
            observed |= {"argv": list(argv), "resumed": bool(arguments)}
            self.context.record.write(self.folder)
            progress.begin(self.context.step, 0)
            progress.message(f"starts {shlex.join(argv)}")
            progress.message(f"its output is in {self.folder / STDOUT} and {STDERR}")
            observed["exit_code"] = self._ended(argv, lock)

    def _resumed(self) -> list[str]:
        """The arguments to go on with, where an attempt before left a checkpoint."""
        resume = self.command.resume
        if resume is None:
            return []
        found = sorted((self.folder / OUTPUT).glob(resume.checkpoint), key=natural)
        if not found:
            return []
        checkpoint = found[-1] if found[-1].is_dir() else found[-1].parent
        self.context.progress.message(f"goes on from {checkpoint}")
        arguments: list[str] = filled(resume.arguments, {**self.places, "checkpoint": str(checkpoint)})
        return arguments

    def _ended(self, argv: tuple[str, ...], lock: int) -> int:
        command, context = self.command, self.context
        if program_of(argv, self.environment, context.project) is None:
            raise FrameworkError(f"runners.{command.runner}: there is no program {argv[0]!r}")
        facts: dict[str, Any] = {"argv": list(argv), "cwd": str(context.project), "started": _now(), "exit_code": None}

        def begun(pid: int) -> None:
            write_json(self.state, facts | {"pid": pid})

        hours = command.timeout_hours
        try:
            code = process.run(
                argv,
                context.project,
                self.environment,
                (self.folder / STDOUT, self.folder / STDERR),
                held=[lock],
                seconds=None if hours is None else hours * 3600,
                tell=context.progress.message if getattr(context.progress, "verbose", False) else None,
                started=begun,
            )
        except process.TimedOut:
            raise FrameworkError(f"the command was ended after {hours:g} hours, its `timeout_hours`") from None
        except OSError as problem:
            raise FrameworkError(f"{argv[0]} cannot be started: {problem.strerror or problem}") from None
        write_json(self.state, facts | {"ended": _now(), "exit_code": code})
        if code != 0:
            raise FrameworkError(self._failure(code))
        return code

    def _failure(self, code: int) -> str:
        how = f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
        said = process.tail(self.folder / STDERR) or process.tail(self.folder / STDOUT)
        where = f"{self.folder / STDERR}"
        return f"the command ended with {how}" + (f"; the end of {where}:\n{said}" if said else f"; see {where}")


@contextmanager
def _alone(context: RunContext) -> Iterator[int]:
    """A lock that the command inherits: it stays held while the command runs, also where this process was killed.

    Raises:
        FrameworkError: a command of the same step still runs.
    """
    path = lock_of_command(context.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid(context.folder / STATE)
            what = f" as process {pid}" if pid else ""
            raise FrameworkError(
                f"{context.step.label}: a command that was started before still runs{what}; wait for it, or end it"
            ) from None
        yield stream.fileno()


def _pid(state: Path) -> int | None:
    try:
        found: Mapping[str, Any] = json.loads(state.read_bytes())
        return int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
