"""What a command costs: processes of their own, measured by the operating system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one process, and its largest memory in MB."""

    wall: float
    cpu: float
    memory: float


class Bench:
    """Runs commands, with compiled modules kept as an installation has them."""

    def __init__(self, folder: Path):
        self.folder = folder
        # A bench of its own place: compiled modules as after an installation, and no cache of a user.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        further = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
        self.environment = {
            **kept,
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "FRAMEWORK_CACHE_DIR": str(folder / "cache"),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *further]),
            "NO_COLOR": "1",
        }

    def run(self, command: list[str], cwd: Path, expected: tuple[int, ...] = (0,)) -> Cost:
        with open(os.devnull, "wb") as nowhere:
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=cwd, env=self.environment, stdout=nowhere, stderr=subprocess.PIPE)
            assert process.stderr is not None
            said = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expected:
            raise SystemExit(f"{' '.join(command[:6])} ended with {process.returncode}:\n{said.decode()}")
        return Cost(1000 * wall, 1000 * (usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024)

    def least(self, command: list[str], cwd: Path, times: int, expected: tuple[int, ...] = (0,)) -> Cost:
        """The least of several runs: other work beside can only add."""
        costs = [self.run(command, cwd, expected) for _ in range(times)]
        return Cost(*(min(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))

    def framework(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "framework", *arguments]
