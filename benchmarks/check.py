"""What `framework check` costs: `python benchmarks/check.py`; every ratio is of two figures of the same run.

It writes projects of many small config files into a temporary folder, and measures, each in a process of its own:

- the CPU time and the memory of each further file (the slope from the smaller to the larger project), against a bare
  pass of the C parser's events over the same files: for files as projects have them, and for the worst case, in which
  no line stands in two files;
- a tiny project, cold and again, over a bare interpreter;
- `--fix` of a file;
- check-jsonschema, ajv and Pkl over the same files, where they are installed (see `benchmarks/peers.py`).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from corpus import apart, config, project
from peers import commands
from processes import Bench, Cost

EVENTS = """
import sys
from pathlib import Path
from yaml._yaml import CParser
for path in sorted(Path("runs").glob("*.yaml")):
    parser = CParser(path.read_text())
    while parser.get_event() is not None:
        pass
"""
MODEL = "import pydantic\nclass A(pydantic.BaseModel):\n    x: int\n"
FIX = """
import sys, time, os
from framework.stages.check import check
from framework.manifest.loading import load
from framework.repair.proposal import propose
from framework.repair.config_files import replace
experiment = load()
result = check(experiment)
assert len(result.findings) >= int(sys.argv[1])
started, wall = time.process_time(), time.perf_counter()
proposal = propose(experiment, result.findings)
proposed = time.process_time()
for patch in proposal.patches:
    replace(patch.source, patch.source.with_text(patch.text))
assert len(proposal.patches) == int(sys.argv[1]), proposal.refused[:1]
count = len(proposal.patches)
print((proposed - started) / count, (time.process_time() - started) / count, (time.perf_counter() - wall) / count)
"""


def slope(small: Cost, large: Cost, further: int) -> float:
    """CPU microseconds of each further file."""
    return 1000 * (large.cpu - small.cpu) / further


def many(bench: Bench, small: Path, large: Path, further: int, times: int, what: str) -> list[Cost]:
    """The slope between two projects, against a bare event pass; the costs of the two checks."""
    check, events = bench.framework("check", "--no-cache"), [sys.executable, "-c", EVENTS]
    checks = [bench.least(check, folder, times) for folder in (small, large)]
    passes = [bench.least(events, folder, times) for folder in (small, large)]
    ours, bare = slope(checks[0], checks[1], further), slope(passes[0], passes[1], further)
    memory = 1024 * (checks[1].memory - checks[0].memory) / further
    print(f"{what}: CPU of each further file")
    print(f"  framework check {ours:6.0f} µs   bare C-parser events {bare:6.0f} µs   ratio {ours / bare:.2f}")
    print(f"  {checks[1].wall / 1000:.2f} s and {checks[1].memory:.0f} MB in all; {memory:.2f} KB for a further file")
    return checks


def peers(bench: Bench, small: Path, large: Path, counts: tuple[int, int], own: list[Cost], times: int) -> None:
    """The same files under other tools; a slow one is not asked about the larger project."""
    print(f"{counts[0]:,} files, wall and CPU of the whole command; CPU of each further file:")
    each = slope(own[0], own[1], counts[1] - counts[0])
    print(f"  {'framework check':18}{own[0].wall:7.0f} ms {own[0].cpu:7.0f} ms {each:7.0f} µs")
    theirs, more = commands(small, bench.folder), commands(large, bench.folder)
    for name, command in theirs.items():
        if command is None:
            print(f"  {name:18}is not installed")
            continue
        cost = bench.least(command, small, times)
        further = ""
        if cost.cpu < 2_000 and (again := more[name]) is not None:
            larger = bench.least(again, large, times)
            further = f"{slope(cost, larger, counts[1] - counts[0]):7.0f} µs"
        ratio = f"{cost.wall / own[0].wall:.1f} times our wall time"
        print(f"  {name:18}{cost.wall:7.0f} ms {cost.cpu:7.0f} ms {further:>10}   {ratio}")


def tiny(bench: Bench, times: int) -> None:
    folder = project(bench.folder / "tiny", 4)
    bare = bench.least([sys.executable, "-c", "pass"], folder, times)
    cold = bench.least(bench.framework("check", "--no-cache"), folder, times)
    time.sleep(0.1)
    bench.run(bench.framework("check"), folder)
    again = bench.least(bench.framework("check"), folder, times)
    pydantic = bench.least([sys.executable, "-c", MODEL], folder, times)
    print(f"a project of 4 files, CPU over a bare interpreter's {bare.cpu:.0f} ms:")
    print(
        f"  cold {cold.cpu - bare.cpu:.0f} ms, of which pydantic with one model takes {pydantic.cpu - bare.cpu:.0f} ms"
        f" (ratio {(cold.cpu - bare.cpu) / (pydantic.cpu - bare.cpu):.2f})"
    )
    print(f"  again, unchanged {again.cpu - bare.cpu:.0f} ms")


def fix(bench: Bench, files: int) -> None:
    figures = []
    drifted = partial(config, learning_rate="3e-4")
    for turn in range(3):
        folder = project(bench.folder / f"drifted-{turn}", files, drifted)
        done = subprocess.run(
            [sys.executable, "-c", FIX, str(files)],
            cwd=folder, env=bench.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        figures.append([1000 * float(part) for part in done.stdout.split()])
        assert (folder / "runs" / "run-00000.yaml").read_text() == config(0, "2e-4")
    proposed, cpu, wall = (statistics.median(column) for column in zip(*figures, strict=True))
    print(f"--fix of a file: {proposed:.2f} ms to find and prove, {cpu:.2f} ms CPU with writing, {wall:.2f} ms wall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--more", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=3, help="runs of each command; the least counts")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    counts, further = (options.files, options.more), options.more - options.files
    with tempfile.TemporaryDirectory(prefix="framework-bench-") as folder:
        bench = Bench(Path(folder))
        tiny(bench, max(10, options.times))
        fix(bench, min(200, options.files))
        small, large = (project(bench.folder / f"{count}", count) for count in counts)
        own = many(bench, small, large, further, options.times, f"{counts[0]:,} to {counts[1]:,} files")
        peers(bench, small, large, counts, own, options.times)
        worst = [project(bench.folder / f"{count}-apart", count, apart) for count in counts]
        many(bench, worst[0], worst[1], further, options.times, "no line in two files")


if __name__ == "__main__":
    main()
