"""The processes that execute one step together, each with one accelerator or on the CPU."""

from __future__ import annotations

import os

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
    return state
