"""What `framework verify` costs beside one SHA-256 of the same files, and of very many runs.

    python benchmarks/verify.py [--mebibytes 838] [--runs 10000] [--rounds 5]

Both projects are made here, without training: a checkpoint of float32 and two that were pruned from it, over the model
and within each tensor; and many small runs, each pruned from the one of its seed. Every figure is of a process of its
own, its start included; memory is the process's peak. Hashing (`hashlib.file_digest`, one file after the other on one
core) and verifying take turns, and ratios are of the same round: their median counts. `--quick` is asked after a full
verification, and has nothing to read.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
HASHING = """
import hashlib, sys
for name in sys.argv[1:]:
    with open(name, "rb") as stream:
        hashlib.file_digest(stream, "sha256")
"""
_COMMAND = ("-m", "framework")
RUNS_EACH = 100
"""How many of the many runs are of one seed: one that trained, and those that were pruned from it."""


class Cost(NamedTuple):
    """Of one process: seconds by the clock and of CPU, its peak in MB, and what it printed last."""

    seconds: float
    cpu: float
    peak: float
    said: str


def cost(folder: Path, *arguments: str) -> Cost:
    """Run Python with these arguments in a folder; its caches lie beside it.

    Raises:
        SystemExit: it failed, with what it said.
    """
    environment = {**os.environ, "FRAMEWORK_CACHE_DIR": str(folder.parent / "cache"), "PYTHONPATH": str(REPOSITORY)}
    environment["PYTHONPYCACHEPREFIX"] = str(folder.parent / "compiled")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(said)
    last = said.strip().splitlines()[-1] if said.strip() else ""
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, last)


def made(folder: Path, call: str) -> None:
    """Make a project, in a process of its own: a child's peak is at least what its parent held when it began."""
    code = f"import sys; from pathlib import Path; from made_runs import *; {call}"
    path = os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "benchmarks")))
    subprocess.run([sys.executable, "-c", code, str(folder)], env={**os.environ, "PYTHONPATH": path}, check=True)


def large(folder: Path, mebibytes: int, rounds: int) -> None:
    made(folder, f"checkpoints(Path(sys.argv[1]), {mebibytes})")
    files = sorted(map(str, (folder / "runs").glob("*/model/model.safetensors")))
    total = sum(os.path.getsize(name) for name in files)
    print(f"{len(files)} checkpoints of {total / len(files) / 1e6:,.0f} MB", flush=True)
    time.sleep(2.2)  # what has just been written is not remembered
    ways = {
        "hashlib.file_digest": ("-c", HASHING, *files),
        "framework verify": (*_COMMAND, "verify"),
        "framework verify --quick": (*_COMMAND, "verify", "--quick"),
    }
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, arguments in ways.items():
            each = cost(folder, *arguments)
            if turn:  # the first reads the files into memory, and compiles
                found[name].append(each)
    hashed = found["hashlib.file_digest"]
    for name, costs in found.items():
        ratio = statistics.median(each.seconds / beside.seconds for each, beside in zip(costs, hashed, strict=True))
        shown(name, costs, f"{ratio:5.2f} of hashing")


def small(folder: Path, runs: int, rounds: int) -> None:
    made(folder, f"many(Path(sys.argv[1]), {runs}, {min(RUNS_EACH, runs) - 1})")
    print(f"{len(list((folder / 'runs').glob('*/record.json'))):,} runs", flush=True)
    for command in (("verify",), ("verify", "--quick"), ("plan",), ("runs",), ("docs",), ("analyse",)):
        found = [cost(folder, *_COMMAND, *command) for _ in range(rounds)]
        shown(f"framework {' '.join(command)}", found, found[0].said)


def shown(name: str, costs: list[Cost], more: str = "") -> None:
    seconds, cpu, peak = (statistics.median(each[place] for each in costs) for place in range(3))
    print(f"{name:26} {seconds:7.2f} s {cpu:7.2f} s of CPU, peak {peak:5.0f} MB  {more}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=838, help="the size of one checkpoint; 0 leaves them out")
    parser.add_argument("--runs", type=int, default=10_000, help="how many small runs; 0 leaves them out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write; by default the system's folder for such files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        if options.mebibytes:
            (Path(place) / "large").mkdir()
            large(Path(place) / "large" / "project", options.mebibytes, options.rounds)
        if options.runs:
            (Path(place) / "small").mkdir()
            small(Path(place) / "small" / "project", options.runs, min(options.rounds, 3))


if __name__ == "__main__":
    main()
