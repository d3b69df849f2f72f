"""Where and with what a run happened: packages, machine, commit."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from framework.evidence.environment import git_state, versions
from framework.planning.machines.machine import processor


def environment(project: Path) -> dict[str, Any]:
    """Package versions, interpreter, hardware and commit, as JSON data for the run record."""
    packages, git = _REMEMBERED[project] if project in _REMEMBERED else (versions(), git_state(project))
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "hardware": hardware(),
        "git": git,
    }


_REMEMBERED: dict[Path, tuple[dict[str, str], dict[str, Any] | None]] = {}


@contextmanager
def remembered_state(project: Path) -> Iterator[None]:
    """For as long as the block runs, the versions and the project's commit are what they are now: for children that
    are forked from here and execute the code that was imported here."""
    _REMEMBERED[project] = versions(), git_state(project)
    try:
        yield
    finally:
        del _REMEMBERED[project]


def hardware() -> dict[str, Any]:
    """The accelerators (`cpu` for none; memory in GB of 10^9 bytes, of one of them), the processor and its threads."""
    facts: dict[str, Any] = {
        "accelerator": "cpu",
        "count": 0,
        "memory_gb": None,
        "cuda": None,
        "cpu": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        facts |= {
            "accelerator": properties.name,
            "count": torch.cuda.device_count(),
            "memory_gb": round(properties.total_memory / 1e9, 1),
            "cuda": torch.version.cuda,
        }
    return facts
