"""What `framework check` costs: `python benchmarks/check.py`; every ratio is of two figures of the same run.

It writes projects of many small config files into a temporary folder, and measures, each in a process of its own:

- the CPU time of each further file (the slope from the smaller to the larger project), against a bare pass of the C
  parser's events over the same files;
- a tiny project, cold and again, over a bare interpreter;
- `--fix` of a file;
- check-jsonschema over the same files, where it is installed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

MANIFEST = """\
version: 1
paper: {title: Many runs}
hardware: {count: 2}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 64, vocabulary: 256, tokenizer: bytes}
datasets:
  manual: {builtin: language-reference}
phases:
  pretrain:
    objective: causal_lm
    dataset: manual
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.98], eps: 1e-6}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 128
    epochs: 20
    sequence_length: 512
    max_grad_norm: 1.0
    precision: bf16
    early_stopping: {metric: loss, patience: 3, min_delta: 0.01}
variants:
  base: {steps: [pretrain]}
seeds: [42]
configs:
  - file: "runs/*.yaml"
    describes: phases.pretrain
    keys:
      model.layers: models.tiny.layers
      model.hidden: models.tiny.hidden
      model.vocabulary: models.tiny.vocabulary
      optimizer.name: optimizer.name
      optimizer.learning_rate: optimizer.learning_rate
      optimizer.weight_decay: optimizer.weight_decay
      optimizer.betas: optimizer.betas
      optimizer.eps: optimizer.eps
      optimizer.max_grad_norm: max_grad_norm
      schedule.name: schedule.name
      schedule.warmup_ratio: schedule.warmup.ratio
      schedule.min_learning_rate: schedule.min_learning_rate
      training.epochs: epochs
      training.micro_batch_size: batch_size.micro
      training.accumulation: batch_size.accumulation
      training.precision: precision
      training.early_stopping.metric: early_stopping.metric
      training.early_stopping.patience: early_stopping.patience
      training.early_stopping.min_delta: early_stopping.min_delta
      data.sequence_length: sequence_length
    ignore: [run, logging, data.workers, data.path, data.shuffle, data.prefetch, checkpoint, environment]
"""

CONFIG = """\
# run {number}: generated, as launchers write them
run:
  name: run-{number:05d}
  group: ablation-{group}
  notes: "number {number}, nothing else"
  tags: [ablation, small, "{group}"]

model:
  layers: 2
  hidden: 64
  vocabulary: 256

optimizer:
  name: adamw
  learning_rate: {learning_rate} # peak
  weight_decay: 0.1
  betas: [0.9, 0.98]
  eps: 1e-6
  max_grad_norm: 1.0

schedule:
  name: cosine
  warmup_ratio: 0.1
  min_learning_rate: 2e-5

training:
  epochs: 20
  # 16 x 4 x 2 processes = 128 sequences per optimizer step
  micro_batch_size: 16
  accumulation: 4
  precision: bf16
  early_stopping:
    metric: loss
    patience: 3
    min_delta: 0.01

data:
  path: data/manual/{number}
  sequence_length: 512
  workers: 4
  shuffle: true
  prefetch: 2

logging:
  every: 20
  wandb:
    project: many-runs
    entity: lab
    mode: offline

checkpoint:
  every: 1000
  keep: 3
  path: /scratch/many/run-{number:05d}

environment:
  NCCL_DEBUG: WARN
  OMP_NUM_THREADS: 1
  TOKENIZERS_PARALLELISM: "false"
  CUDA_VISIBLE_DEVICES: "0,1"
"""

EVENTS = """
import sys
from pathlib import Path
from yaml._yaml import CParser
for path in sorted(Path("runs").glob("*.yaml")):
    parser = CParser(path.read_text())
    while parser.get_event() is not None:
        pass
"""

SCHEMA = '{"type": "object", "properties": {"optimizer": {"type": "object"}}}'


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
        self.environment = {
            **kept,
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "FRAMEWORK_CACHE_DIR": str(folder / "cache"),
            "PYTHONPATH": str(REPOSITORY),
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
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
        return Cost(1000 * wall, 1000 * (usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024)

    def least(self, command: list[str], cwd: Path, times: int, expected: tuple[int, ...] = (0,)) -> Cost:
        """The least of several runs: other work beside can only add."""
        costs = [self.run(command, cwd, expected) for _ in range(times)]
        return Cost(*(min(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))

    def framework(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "framework", *arguments]


def project(folder: Path, files: int, drifted: bool = False) -> Path:
    """A project of so many config files; with a drift in each, or in none."""
    (folder / "runs").mkdir(parents=True)
    (folder / "experiment.yaml").write_text(MANIFEST)
    rate = "3e-4" if drifted else "2e-4"
    for number in range(files):
        text = CONFIG.format(number=number, group=number % 7, learning_rate=rate)
        (folder / "runs" / f"run-{number:05d}.yaml").write_text(text)
    return folder


def slope(small: Cost, large: Cost, files: int, more: int) -> float:
    """CPU microseconds of each further file."""
    return 1000 * (large.cpu - small.cpu) / (more - files)


def many(bench: Bench, files: int, more: int, times: int) -> None:
    small, large = project(bench.folder / "small", files), project(bench.folder / "large", more)
    check = bench.framework("check", "--no-cache")
    events = [sys.executable, "-c", EVENTS]
    checks = [bench.least(check, folder, times) for folder in (small, large)]
    passes = [bench.least(events, folder, times) for folder in (small, large)]
    ours, bare = slope(*checks, files, more), slope(*passes, files, more)
    print(f"each further file ({files:,} to {more:,} files of {CONFIG.count(chr(10))} lines), CPU:")
    print(f"  framework check {ours:7.0f} µs   bare C-parser events {bare:7.0f} µs   ratio {ours / bare:.2f}")
    print(f"  {more:,} files: {checks[1].wall / 1000:.2f} s, {checks[1].memory:.0f} MB")
    print(f"  memory of each further file: {1024 * (checks[1].memory - checks[0].memory) / (more - files):.1f} KB")
    print(f"{files:,} files, wall: framework check {checks[0].wall:.0f} ms", end="")
    other = shutil.which("check-jsonschema")
    if other is None:
        print("   check-jsonschema is not installed")
        return
    (bench.folder / "schema.json").write_text(SCHEMA)
    names = sorted(str(path) for path in (small / "runs").iterdir())
    theirs = bench.least([other, "--schemafile", str(bench.folder / "schema.json"), *names], small, times)
    print(f"   check-jsonschema {theirs.wall:.0f} ms   ratio {theirs.wall / checks[0].wall:.1f}")


def tiny(bench: Bench, times: int) -> None:
    folder = project(bench.folder / "tiny", 4)
    bare = bench.least([sys.executable, "-c", "pass"], folder, times)
    cold = bench.least(bench.framework("check", "--no-cache"), folder, times)
    time.sleep(0.1)
    bench.run(bench.framework("check"), folder)
    again = bench.least(bench.framework("check"), folder, times)
    pydantic = bench.least([sys.executable, "-c", MODEL], folder, times)
    print(f"a project of 4 files, CPU over a bare interpreter's {bare.cpu:.0f} ms:")
    print(f"  cold {cold.cpu - bare.cpu:.0f} ms (of these, pydantic with one model: {pydantic.cpu - bare.cpu:.0f} ms)")
    print(f"  again, unchanged {again.cpu - bare.cpu:.0f} ms")


MODEL = "import pydantic\nclass A(pydantic.BaseModel):\n    x: int\n"

FIX = """
import sys, time, os
from framework.conformance.check import check
from framework.manifest.loading import load
from framework.repair.proposal import propose
from framework.repair.files import replace
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


def fix(bench: Bench, files: int) -> None:
    figures = []
    for turn in range(3):
        folder = project(bench.folder / f"drifted-{turn}", files, drifted=True)
        done = subprocess.run(
            [sys.executable, "-c", FIX, str(files)],
            cwd=folder, env=bench.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        figures.append([1000 * float(part) for part in done.stdout.split()])
        right = CONFIG.format(number=0, group=0, learning_rate="2e-4")
        assert (folder / "runs" / "run-00000.yaml").read_text() == right
    proposed, cpu, wall = (statistics.median(column) for column in zip(*figures, strict=True))
    print(f"--fix of a file: {proposed:.2f} ms to find and prove, {cpu:.2f} ms CPU with writing, {wall:.2f} ms wall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--more", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=3, help="runs of each command; the least counts")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory(prefix="framework-bench-") as folder:
        bench = Bench(Path(folder))
        tiny(bench, max(10, options.times))
        fix(bench, min(200, options.files))
        many(bench, options.files, options.more, options.times)


if __name__ == "__main__":
    main()
