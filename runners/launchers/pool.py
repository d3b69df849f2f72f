"""A local pool: one parent that has imported everything, one forked child per run."""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.run_index import Registry
from framework.evidence.store import RunStore
from framework.manifest.sections.paper import Hardware
from framework.planning.outcomes import Board, Outcome
from framework.planning.steps import Measure, Step
from runners.launchers.forking import how_ended, in_child, live, say
from runners.launchers.schedule import Schedule, Scheduled

if TYPE_CHECKING:
    from runners.preflight import Obstacle

Execute = Callable[..., Any]
LOGS = ".logs"
"""The folder below the runs with what each child wrote to its standard streams."""


def run_pool(
    steps: Sequence[Step], store: RunStore, project: Path, board: Board, jobs: int, execute: Execute | None = None
) -> Iterator[Outcome]:
    """Execute what has no finished run, at most ``jobs`` at a time, each in a child process of its own.

    A run that fails, or whose process dies, is recorded with its error; only the steps that need it are skipped.
    Every child has its share of the cores as threads, one accelerator where there are several, and ends with this
    process, however that ends. ``execute`` stands in the place of :func:`runners.execute.execute`.

    Raises:
        BaseException: what interrupts this process; the children are ended first, their runs can be resumed.
    """
    found = {step.key: run for step in steps if (run := store.done(step.key))}
    for step in steps:
        if step.key in found:
            yield Outcome(step, "found", found[step.key].record)
    schedule = Schedule(steps, found)
    if len(schedule):
        yield from run_scheduled(schedule, store, project, board, jobs, execute or imported(steps))


def run_scheduled(
    schedule: Scheduled, store: RunStore, project: Path, board: Board, jobs: int, execute: Execute | None = None
) -> Iterator[Outcome]:
    """As :func:`run_pool`, of whatever says which step may start next."""
    pool = _Pool(store, project, board, jobs, execute or imported())
    with _of_this_moment(project):
        try:
            yield from pool.run(schedule)
        finally:
            pool.end()


def imported(steps: Sequence[Step] = ()) -> Execute:
    """The execution, with all that it imports for these steps; nothing is computed here, so that this process may
    fork."""
    import peft  # noqa: F401
    import torch
    import transformers.models.auto.modeling_auto  # noqa: F401

    from runners.execute import execute
    from runners.launchers.warming import warm

    torch.set_num_threads(1)
    warm(steps)
    gc.freeze()  # a child's garbage collection would copy every page of what was imported
    return execute


def obstacles(declared: Hardware, steps: Sequence[Step], project: Path) -> list[Obstacle]:
    """As :func:`runners.preflight.obstacles`, asked in a child: the question touches CUDA."""
    from runners import preflight

    found = in_child(lambda: [astuple(each) for each in preflight.obstacles(declared, steps, project)])
    return [preflight.Obstacle(*each) for each in found]


def _of_this_moment(project: Path) -> AbstractContextManager[None]:
    from runners.environment import remembered_state

    return remembered_state(project)


@dataclass(slots=True)
class _Child:
    pid: int
    pipe: int
    step: Step
    slot: int
    heard: bytearray = field(default_factory=bytearray)
    error: str = ""


class _Pool:
    def __init__(self, store: RunStore, project: Path, board: Board, jobs: int, execute: Execute):
        self.store, self.project, self.board, self.execute = store, project, board, execute
        self.registry = Registry(store.root)
        self.slots = list(range(jobs))
        self.threads = max(1, (os.cpu_count() or 1) // jobs)
        self.children: dict[int, _Child] = {}
        self.selector = selectors.DefaultSelector()
        self.logs = store.root / LOGS
        self.logs.mkdir(parents=True, exist_ok=True)

    def run(self, schedule: Scheduled) -> Iterator[Outcome]:
        while True:
            while self._may_start() and (step := schedule.next(idle=not self.children)) is not None:
                self._start(step)
            if not self.children:
                return
            for event, _ in self.selector.select():
                child = self.children[event.fd]
                if self._hear(child):
                    continue
                outcome = self._ended(child)
                yield self._told(outcome)
                if outcome.status == "done":
                    schedule.finish(child.step)
                    continue
                for lost in schedule.fail(child.step):
                    yield self._told(Outcome(lost, "skipped", error=f"it needs {child.step.label}, which failed"))

    def _may_start(self) -> bool:
        """Whether there is room; beside a measurement there is none, since it would be one of both."""
        return bool(self.slots) and not any(isinstance(child.step.work, Measure) for child in self.children.values())

    def _told(self, outcome: Outcome) -> Outcome:
        self.board.ended(outcome)
        return outcome

    def _start(self, step: Step) -> None:
        reading, writing = os.pipe()
        parent, slot = os.getpid(), self.slots.pop(0)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            work = lambda: self.execute(step, self.store, self.project, _Told(writing))  # noqa: E731
            threads = (os.cpu_count() or 1) if isinstance(step.work, Measure) else self.threads
            live(parent, writing, self.logs / f"{step.folder}.log", lambda: _settle(slot, threads), work)
        os.close(writing)
        self.children[reading] = _Child(pid, reading, step, slot)
        self.selector.register(reading, selectors.EVENT_READ)
        self.board.started(step)

    def _hear(self, child: _Child) -> bool:
        """Pass on what the child says; False when it has said everything."""
        data = os.read(child.pipe, 1 << 16)
        *lines, rest = (child.heard + data).split(b"\n")
        child.heard = rest
        for line in lines:
            what, *values = json.loads(line)
            if what == "error":
                child.error = values[0]
            else:
                getattr(self.board, what)(child.step, *values)
        return bool(data)

    def _ended(self, child: _Child) -> Outcome:
        self.selector.unregister(child.pipe)
        os.close(child.pipe)
        del self.children[child.pipe]
        self.slots.append(child.slot)
        _, status = os.waitpid(child.pid, 0)
        run = self.store.done(child.step.key)
        if run is not None:
            self.registry.note(run.record, run.folder)
            return Outcome(child.step, "done", run.record)
        folder = self.store.folder(child.step.folder)
        error = child.error or f"its process ended without a word: {how_ended(status)}"
        if not child.error:
            _record_end(folder, error)
        with suppress(InputError):
            self.registry.note_folder(folder)
        return Outcome(child.step, "failed", error=error)

    def end(self) -> None:
        """End the children that still run, with a signal that lets them record how far they came."""
        for child in self.children.values():
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGINT)
        for child in self.children.values():
            while os.read(child.pipe, 1 << 16):
                pass
            os.waitpid(child.pid, 0)
            os.close(child.pipe)
        self.selector.close()
        self.registry.close()


class _Told:
    """A run's progress, said to the parent."""

    def __init__(self, pipe: int):
        self.pipe = pipe

    def begin(self, step: Step, total_steps: int) -> None:
        say(self.pipe, "training", total_steps)

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        say(self.pipe, "update", done, loss, learning_rate)

    def event(self, event: str, **facts: Any) -> None:
        """The child keeps its own log, and what people need to know comes as a message."""

    def message(self, text: str) -> None:
        say(self.pipe, "message", text)

    def end(self, record: RunRecord) -> None:
        """The parent reads the record itself."""


def _settle(slot: int, threads: int) -> None:
    """This child's share of the machine: some threads, and one of several accelerators."""
    devices = visible_devices()
    if len(devices) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[slot % len(devices)]
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", threads)))


def visible_devices() -> list[str]:
    """The names by which CUDA's devices can be chosen, without asking CUDA: a parent that did could not fork."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip()]
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(folder.iterdir())] if folder.is_dir() else []


def _record_end(folder: Path, error: str) -> None:
    """Write into the record what the run itself had no time to."""
    if not (folder / RECORD).is_file():
        return
    with suppress(InputError):
        record = RunRecord.read(folder)
        if record.status == "running":
            record.status, record.error = "failed", error
            record.write(folder)
