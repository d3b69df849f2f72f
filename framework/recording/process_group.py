"""Several processes that train together: one record, which the first one writes.

No process sends another anything, since a collective more than the script has could make it hang. Each but the first
writes what it counted (samples and tokens of each step) to a file of its own below the folder of runs; the first adds
these to its lines when it ends, and waits a little for who is not there yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from framework.errors import InputError
from framework.evidence.record import read_lines

FOLDER = ".processes"
COUNTED = ("samples", "tokens")
"""What the processes count each for itself."""
_LAUNCH = (
    *("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"),
    *("SLURM_JOB_ID", "SLURM_STEP_ID"),
)
"""What is the same in all processes of one start, and in those of another is not."""
_PATIENCE, _SLACK = 10.0, 60.0
"""Seconds that the first process waits for the others at its end; how far the clocks of machines may be apart."""


class ProcessGroup(NamedTuple):
    """The number of this process, from 0, and how many there are."""

    rank: int
    size: int

    @property
    def is_first(self) -> bool:
        return self.rank == 0


def this_process() -> ProcessGroup:
    """As torch's process group says, where there is one, else as the launcher does (RANK and WORLD_SIZE, which torchrun
    and accelerate set)."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    if rank.isdecimal() and size.isdecimal() and int(rank) < int(size):
        return ProcessGroup(int(rank), int(size))
    return ProcessGroup(0, 1)


def folder_of(runs: Path, identity: str) -> Path:
    """Where the processes of this start leave what they counted for one run."""
    launch = "\n".join([identity, *(os.environ.get(name, "") for name in _LAUNCH)])
    return runs / FOLDER / hashlib.sha256(launch.encode()).hexdigest()[:16]


def begin_counting(folder: Path, rank: int) -> Path:
    """The file of one process, begun anew."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{rank}.jsonl"
    path.write_text(json.dumps({"begun": time.time()}) + "\n", "utf-8")
    return path


def gathered(
    folder: Path, size: int, last: int, begun: float, wait: bool = True
) -> tuple[dict[int, list[dict[str, Any]]], list[int]]:
    """What the other processes counted, by step; and the numbers of those that are not heard of.

    Args:
        last: The last step of the first process, which all have done when they are through.
        begun: When the first process began, in seconds since the epoch: what is older is of another start.
        wait: For those that have begun and are not there yet.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    missing = []
    until = time.monotonic() + (_PATIENCE if wait else 0.0)
    for rank in range(1, size):
        lines = _lines_of(folder / f"{rank}.jsonl", begun)
        while lines and not _is_whole(lines, last) and time.monotonic() < until:
            time.sleep(0.02)
            lines = _lines_of(folder / f"{rank}.jsonl", begun)
        if not _is_whole(lines, last):
            missing.append(rank)
        for line in lines:
            if "step" in line:
                found.setdefault(line["step"], []).append(line)
    return found, missing


def added_up(lines: Sequence[dict[str, Any]], others: dict[int, list[dict[str, Any]]], size: int) -> None:
    """Add what the other processes counted of each step; where one did not count, the sum is not known."""
    for line in lines:
        told = [line, *others.get(line["step"], ())]
        for name in COUNTED:
            amounts = [each[name] for each in told if name in each]
            if len(amounts) == size:
                line[name] = sum(amounts)
            else:
                line.pop(name, None)


def forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _lines_of(path: Path, begun: float) -> list[dict[str, Any]]:
    try:
        lines = list(read_lines(path))
    except (InputError, OSError):
        return []
    return lines if lines and lines[0].get("begun", 0) >= begun - _SLACK else []


def _is_whole(lines: Sequence[dict[str, Any]], last: int) -> bool:
    return any(line.get("ended") or line.get("step", 0) >= last for line in lines)
