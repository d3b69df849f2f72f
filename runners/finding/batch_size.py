"""The largest micro-batch that fits, by trial: each size in a child process, which may run out of memory."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from framework.errors import FrameworkError
from framework.evidence.store import RunStore
from framework.planning.steps import Step, Training
from runners.execute import tried
from runners.launchers.forking import how_ended, live, say
from runners.launchers.pool import imported
from runners.processes import on_cpu
from runners.step_context import Trial

STEPS = 2
"""Optimizer steps of a trial: in the second one the optimizer's own state is there from the beginning."""
_POLL = 0.02
_CLEAR, _RESET_PEAK = Path("/proc/self/clear_refs"), "5"
_NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|cannot allocate memory", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tried:
    """One size, and what became of it: ``peak`` in bytes, None where the trial ended before it was measured."""

    micro_batch_size: int
    fits: bool
    peak: int | None
    seconds: float
    why: str

    def as_dict(self) -> dict[str, Any]:
        """JSON data."""
        return asdict(self)


def memory_here() -> tuple[int, str]:
    """Bytes that a process may have on this machine, and what they are."""
    if not on_cpu():
        # Asked of the driver, in a child: this process has to stay fit to fork.
        from runners.launchers.forking import in_child

        found: int = in_child(lambda: torch.cuda.get_device_properties(0).total_memory)
        return found, "the accelerator's memory"
    available = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    if available is None:
        raise FrameworkError("/proc/meminfo does not tell how much memory is available: state hardware.memory_gb")
    return 1024 * int(available[1]), "the memory that is available now"


def sizes(share: int) -> list[int]:
    """The micro-batches that make a process's ``share`` of a batch, ascending: its divisors."""
    return [size for size in range(1, share + 1) if share % size == 0]


def largest(candidates: list[int], fits: Callable[[int], Tried]) -> list[Tried]:
    """Trials that find the largest of ascending ``candidates`` that fits: twice as far each time until one does not,
    then between the two. What a larger batch needs is never less.

    Returns:
        All trials, in their order; the answer is the largest that fits.
    """
    trials: list[Tried] = []
    low, high, stride = -1, len(candidates), 1
    while high - low > 1:
        middle = min(low + stride, high - 1) if high == len(candidates) else (low + high) // 2
        trials.append(fits(candidates[middle]))
        if trials[-1].fits:
            low, stride = middle, 2 * stride
        else:
            high = middle
    return trials


def find(
    step: Step, store: RunStore, project: Path, processes: int, bound: int, told: Callable[[Tried], None]
) -> list[Tried]:
    """Try micro-batches of a training until the largest that stays within ``bound`` bytes is known.

    A trial is two optimizer steps on the longest examples, with what is evaluated and saved around them, in one
    process; what several processes need to exchange gradients is not in it. On a CPU it is measured by the peak of the
    child's resident memory (VmHWM of proc(5)), and the child is ended once it is above; on an accelerator by what
    PyTorch reserves, which is kept below the bound.

    Raises:
        FrameworkError: a trial failed for another reason than memory, or not even one example fits.
    """
    assert isinstance(step.work, Training)
    batch = step.work.recipe.batch_size
    if batch % processes:
        raise FrameworkError(f"{step.label}: a batch of {batch} cannot be shared out over {processes} processes")
    imported([step])

    def fits(size: int) -> Tried:
        found = _trial(_short(step, size, batch // processes), store, project, size, bound)
        told(found)
        return found

    trials = largest(sizes(batch // processes), fits)
    if not any(each.fits for each in trials):
        raise FrameworkError(
            f"{step.label}: not even a micro-batch of {trials[-1].micro_batch_size} fits: {trials[-1].why}"
        )
    return trials


def _short(step: Step, size: int, share: int) -> Step:
    """The step as it is tried: gradients are accumulated over two micro-batches where the batch has more than one."""
    work = step.work
    assert isinstance(work, Training)
    limit = min(work.dataset.validation_limit or size, size)
    recipe = work.recipe.model_copy(
        update={"batch_size": min(2 * size, share), "max_steps": STEPS, "epochs": None, "early_stopping": None}
    )
    dataset = work.dataset.model_copy(update={"validation_limit": limit})
    knobs = replace(step.knobs, micro_batch_size=size, trackers=None)
    return replace(step, work=replace(work, phase=recipe, dataset=dataset), knobs=knobs)


def _trial(step: Step, store: RunStore, project: Path, size: int, bound: int) -> Tried:
    assert isinstance(step.work, Training)
    examples = STEPS * step.work.recipe.batch_size
    begun, parent = time.monotonic(), os.getpid()
    with tempfile.TemporaryDirectory(prefix="framework-trial-") as made:
        reading, writing = os.pipe()
        folder, log = Path(made) / "run", Path(made) / "log"
        folder.mkdir()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            live(
                parent,
                writing,
                log,
                lambda: _settle(bound),
                lambda: _work(step, store, project, folder, examples, writing),
            )
        os.close(writing)
        said, above = _heard(pid, reading, bound)
        _, status = os.waitpid(pid, 0)
    seconds = round(time.monotonic() - begun, 2)
    if above:
        return Tried(size, False, above, seconds, f"ended at {above / 1e9:.2f} GB, above {bound / 1e9:.2f} GB")
    if "memory" in said:
        return Tried(size, False, None, seconds, f"out of memory: {said['memory']}")
    if "error" in said:
        raise FrameworkError(f"{step.label}: a micro-batch of {size} failed, and not for memory: {said['error']}")
    if "peak" not in said:
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed:
            raise FrameworkError(f"{step.label}: a micro-batch of {size} ended without an answer: {how_ended(status)}")
        return Tried(size, False, None, seconds, "killed by the system, out of memory")
    peak = int(said["peak"])
    why = f"{peak / 1e9:.2f} GB at its peak, {'within' if peak <= bound else 'above'} {bound / 1e9:.2f} GB"
    return Tried(size, peak <= bound, peak, seconds, why)


def _settle(bound: int) -> None:
    if not on_cpu():
        torch.cuda.set_per_process_memory_fraction(min(1.0, bound / torch.cuda.get_device_properties(0).total_memory))


def _work(step: Step, store: RunStore, project: Path, folder: Path, examples: int, pipe: int) -> None:
    """In the child: the trial, and its peak or that there was not memory enough."""
    try:
        tried(step, store, project, folder, Trial(examples, _reset_peak))
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as problem:
        if isinstance(problem, RuntimeError) and not _is_memory(problem):
            raise
        say(pipe, "memory", str(problem).partition("\n")[0][:200])
        return
    say(pipe, "peak", _peak())


def _is_memory(problem: BaseException) -> bool:
    return isinstance(problem, torch.OutOfMemoryError) or _NO_MEMORY.search(str(problem)) is not None


def _reset_peak() -> None:
    """What the data took to prepare is no part of the training."""
    if on_cpu():
        with suppress(OSError):  # a kernel without it: the peak is that of the whole process, and never too low
            _CLEAR.write_text(_RESET_PEAK)
    else:
        torch.cuda.reset_peak_memory_stats()


def _peak() -> int:
    if on_cpu():
        found = _status(os.getpid(), "VmHWM")
        assert found is not None
        return found
    return int(torch.cuda.max_memory_reserved())


def _status(pid: int, field: str) -> int | None:
    """Bytes; None of a process that is not there any more."""
    with suppress(OSError):
        match = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return 1024 * int(match[1]) if match else None
    return None


def _heard(pid: int, pipe: int, bound: int) -> tuple[dict[str, Any], int]:
    """What the child said, by its first word; and its resident memory where it was ended for that, else 0."""
    text, above = b"", 0
    while True:
        if select.select([pipe], [], [], _POLL)[0]:
            block = os.read(pipe, 65536)
            if not block:
                break
            text += block
        resident = _status(pid, "VmRSS") if on_cpu() and not above else None
        if resident is not None and resident > bound:
            above = resident
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    os.close(pipe)
    return dict(_lines(text)), above


def _lines(text: bytes) -> Iterator[tuple[str, Any]]:
    for line in text.decode(errors="replace").splitlines():
        with suppress(ValueError):
            what, *values = json.loads(line)
            yield what, values[0] if values else None
