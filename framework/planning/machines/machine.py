"""The machine that a measurement is of: times of one are no times of another. Found without torch."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from pathlib import Path
from typing import Any

_PROCESSORS = Path("/proc/cpuinfo")
_NVIDIA = Path("/proc/driver/nvidia/gpus")


@cache
def machine() -> dict[str, Any]:
    """Processor, its logical cores, and the accelerators that a process may use, by name."""
    return {"processor": processor(), "cores": os.cpu_count(), "accelerators": _accelerators()}


def processor(information: Path = _PROCESSORS) -> str:
    """The processor's name, as the system gives it."""
    if information.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", information.read_text(errors="replace"), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def _accelerators(folder: Path = _NVIDIA) -> list[str]:
    """The names that the driver gives; those that `CUDA_VISIBLE_DEVICES` hides altogether do not count."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or not folder.is_dir():
        return []
    found = (re.search(r"^Model:\s*(.+)$", file.read_text(), re.MULTILINE) for file in folder.glob("*/information"))
    return sorted(match[1].strip() for match in found if match)


def said(machine: dict[str, Any]) -> str:
    """The machine in one line, for reports."""
    accelerators = machine.get("accelerators") or []
    names = [f"{accelerators.count(name)} x {name}" for name in dict.fromkeys(accelerators)]
    return ", ".join([*names, f"{machine.get('cores')} cores of {machine.get('processor')}"])
