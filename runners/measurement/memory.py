"""The most memory that one pass takes: allocated on an accelerator, resident in the process on a CPU."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

ON_ACCELERATOR = "most memory allocated on the accelerator at once, weights included (torch.cuda.max_memory_allocated)"
ON_CPU = "growth of the process's resident memory up to its peak (VmHWM - VmRSS), weights not included"
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): the peak becomes what is resident now


class Unmeasured(Exception):
    """There is no number; the message says why."""


def peak_memory(run: Callable[[], None], device: torch.device) -> tuple[int, str]:
    """Bytes, and what they count.

    Raises:
        Unmeasured: the system does not tell.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return int(torch.cuda.max_memory_allocated(device)), ON_ACCELERATOR
    return resident_growth(run), ON_CPU


def resident_growth(run: Callable[[], None]) -> int:
    """Bytes by which the resident memory of this process grew while ``run`` ran, at its peak.

    What earlier calls freed is given back to the system first; else the pass would be served from it and seem to take
    less.

    Raises:
        Unmeasured: not Linux, or its kernel does not let the peak be set back.
    """
    with suppress(OSError, AttributeError):  # another C library than glibc keeps nothing to be given back on demand
        ctypes.CDLL(None).malloc_trim(0)
    try:
        _CLEAR.write_text(_RESET_PEAK)
        before = _resident("VmRSS")
        run()
        return max(0, _resident("VmHWM") - before)
    except OSError as problem:
        raise Unmeasured(f"the peak of the resident memory cannot be read here: {problem}") from None


def _resident(field: str) -> int:
    match = re.search(rf"^{field}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    if match is None:
        raise Unmeasured(f"{_STATUS} states no {field}")
    return 1024 * int(match[1])
