"""Operations that give the same bits each time, or an error where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from framework.errors import FrameworkError

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """While active, torch uses deterministic operations only (``wanted``), or whichever are fastest.

    cuBLAS needs a workspace of a fixed size for that, which it reads from the environment at its first use. Memory that
    an operation is about to write is not filled beforehand, as torch otherwise does in this mode: nothing here reads
    what was not written.

    Raises:
        FrameworkError: an operation has no deterministic implementation on this device.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    filling = torch.utils.deterministic.fill_uninitialized_memory
    workspace = os.environ.get(_WORKSPACE)
    if wanted and workspace is None:
        os.environ[_WORKSPACE] = ":4096:8"
    torch.use_deterministic_algorithms(wanted)
    torch.backends.cudnn.benchmark = False
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    except RuntimeError as problem:
        if wanted and "deterministic" in str(problem):
            raise FrameworkError(
                f"{str(problem).splitlines()[0]}\n"
                "    the knob `deterministic: false` allows it; the run is then not repeatable to the bit"
            ) from problem
        raise
    finally:
        if wanted and workspace is None:
            del os.environ[_WORKSPACE]  # a script that is started later is none of this
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
        torch.utils.deterministic.fill_uninitialized_memory = filling
