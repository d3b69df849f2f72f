"""The processes that execute one step together, each with one accelerator or on the CPU."""

from __future__ import annotations

import atexit
import gc
import os
from functools import cache

import torch
from accelerate import PartialState

from framework.errors import FrameworkError


def on_cpu() -> bool:
    """Whether this machine computes on the CPU, as the run record's `hardware` says: without CUDA."""
    return not torch.cuda.is_available()


def this_process() -> PartialState:
    """This process and how many there are.

    accelerate joins processes on the CPU only if it is told that there is none but the CPU; else each of them would
    silently be the only one. So the number is held against what the launcher states.

    Raises:
        FrameworkError: accelerate sees another number of processes than were launched.
    """
    state = PartialState(cpu=on_cpu())
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if state.num_processes != launched:
        raise FrameworkError(f"{launched} processes were launched (WORLD_SIZE), accelerate sees {state.num_processes}")
    if launched > 1:
        _leave_at_exit()
    return state


@cache
def _leave_at_exit() -> None:
    """A group that nobody leaves is torn down with the interpreter, where gloo's threads abort the process now and
    then: a run that had succeeded would end as one that failed."""
    atexit.register(_leave)


def _leave() -> None:
    if torch.distributed.is_initialized():
        # What holds gradients together has to go first: as the group's last owner it keeps the interpreter's lock and
        # waits for a thread that may wait for that lock.
        gc.collect()
        torch.distributed.destroy_process_group()
