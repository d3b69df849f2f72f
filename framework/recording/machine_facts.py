"""Where a script trains: its interpreter, packages and commit, and the device that its parameters lie on.

Of torch only what the script has imported is asked; no accelerator is touched that the script does not use.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from framework.evidence.environment import git_state, versions
from framework.planning.machines.machine import processor


def environment_of(project: Path) -> dict[str, Any]:
    """Versions, platform and commit, as JSON data for the run record; `hardware` is added when it is known."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions(),
        "git": git_state(project),
    }


def hardware_of(device: Any) -> dict[str, Any]:
    """The machine, by the device of the parameters that are trained: `accelerator` (`cpu` for none), `count` of those
    that are visible, `memory_gb` (10^9 bytes, of one of them), `cuda`, `cpu`, `cores`, `threads`."""
    torch: Any = sys.modules["torch"]
    facts: dict[str, Any] = {
        "accelerator": "cpu",
        "count": 0,
        "memory_gb": None,
        "cuda": None,
        "cpu": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "accelerator": properties.name,
            "count": torch.cuda.device_count(),
            "memory_gb": round(properties.total_memory / 1e9, 1),
            "cuda": torch.version.cuda,
        }
    elif device.type != "cpu":
        facts |= {"accelerator": device.type, "count": None}
    return facts


_UNSEEDED = 67_280_421_310_721
"""What torch's generator of the CPU begins with where nobody seeds it (`c10/core/GeneratorImpl.h`)."""


def torch_seed() -> int | None:
    """The seed of torch's generator of the CPU; None where nobody has seeded it."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    seed = int(torch.initial_seed())
    return None if seed == _UNSEEDED else seed
