"""A grid of runs that do nothing, in the local pool: what a run costs beside its work.

    python benchmarks/pool.py [--runs 360] [--jobs 2] [--train]

Each run is a whole execution with its folder, lock, flushed record and registry row; the time counts from a bare
interpreter, imports included. In the same run: what starting one process per run would cost (three are started, and
import the same), and how long it takes to see that all runs are finished.

With `--train` each run is a whole fine-tuning of one optimizer step with LoRA, in six grids that each start from a
pre-training of one step: data, model, adapter, three evaluations, merge, lines, log and hashes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMPORTS = "import runners.launchers.pool as local; local.imported()"
MANIFEST = """\
version: 1
paper: {title: A grid of nothing}
hardware: {accelerator: cpu}
models: {tiny: {family: mamba, weights: random, layers: 1, hidden: 8, state: 4, vocabulary: 256, tokenizer: bytes}}
datasets: {text: {builtin: language-reference}}
phases:
  pretrain: {objective: causal_lm, dataset: text, optimizer: {learning_rate: 1e-3}, batch_size: 1, max_steps: 1}
variants: {nothing: {steps: [{permute: {method: csp, dataset: text}}]}}
seeds: SEEDS
"""
TRAINED = """\
version: 1
paper: {title: A grid of single steps}
hardware: {accelerator: cpu}
models: {tiny: {family: mamba, weights: random, layers: 2, hidden: 16, state: 4, vocabulary: 256, tokenizer: bytes}}
datasets: {text: {builtin: language-reference, limit: 64, validation_limit: 16}}
phases:
  pretrain: &phase
    objective: causal_lm
    dataset: text
    optimizer: {learning_rate: 3e-3}
    batch_size: 8
    max_steps: 1
    sequence_length: 32
  finetune: *phase
variants: {dense: {steps: [pretrain]}}
grids:
  tuned:
    from: dense
    over: {rank: RANKS, alpha: [2, 4, 8, 16, 32, 64]}
    steps: [{finetune: {adapter: {lora: {rank: $rank, alpha: $alpha, targets: [in_proj]}}}}]
seeds: [1, 2, 3, 4, 5, 6]
"""


def manifest(runs: int, train: bool) -> str:
    """Of as many runs, rounded up to whole grids, and the six that they start from."""
    if train:
        return TRAINED.replace("RANKS", str(list(range(1, -(-runs // 36) + 1))))
    return MANIFEST.replace("SEEDS", str(list(range(runs))))


def grid(folder: Path, jobs: int) -> None:
    """Execute the grid; in a process of its own, since what it imports counts."""
    from framework import api
    from framework.evidence.store import RunStore
    from framework.planning.outcomes import Unheard
    from runners.launchers.pool import run_pool
    from runners.trackers import with_trackers
    from runners.transforms import csp

    csp.csp = lambda context, work: None  # the grid of nothing
    with chdir(folder):
        experiment = api.load("experiment.yaml")
        plan = api.plan(experiment)
        outcomes = list(
            run_pool(with_trackers(plan.steps), RunStore(experiment.runs), experiment.root, Unheard(), jobs)
        )
    done = sum(outcome.status == "done" for outcome in outcomes)
    if done != len(plan.steps):
        sys.exit(f"only {done} of {len(plan.steps)} runs were executed: {outcomes[0].error}")


def scan(folder: Path) -> float:
    """Seconds until it is known that nothing is left to do."""
    from framework import api
    from framework.evidence.store import RunStore

    with chdir(folder):
        experiment = api.load("experiment.yaml")
        plan = api.plan(experiment)
        store = RunStore(experiment.runs)
        begun = time.perf_counter()
        missing = [step for step in plan.steps if store.done(step.key) is None]
        seconds = time.perf_counter() - begun
    if missing:
        sys.exit(f"{len(missing)} runs are missing")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=360)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--train", action="store_true", help="runs that train one step")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        grid(Path(options.inside), options.jobs)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "experiment.yaml").write_text(manifest(options.runs, options.train))
        command = [sys.executable, __file__, "--jobs", str(options.jobs), "--inside", name]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = _seconds(command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        imports = min(_seconds([sys.executable, "-c", IMPORTS]) for _ in range(3))
        scanned = min(scan(folder) for _ in range(3))
        runs = sum(1 for _ in (folder / "runs").glob("*/record.json"))
    each = (whole - imports) / runs
    print(f"{runs} runs, {options.jobs} at a time: {whole:.1f} s, of which imports {imports:.1f} s")
    print(f"core-seconds of it, whatever else the machine does: {cores:.1f}, {cores / options.jobs:.1f} for each job")
    what = "a run of one step" if options.train else "a run beside its work"
    print(f"{what}: {each * 1e3:.1f} ms, {each * options.jobs * 1e3:.1f} ms of one of the jobs")
    print(f"a process that imports the same: {imports * 1e3:.0f} ms")
    print(f"ratio: {imports / each:.0f} times cheaper than a process for each run")
    print(f"a look at {runs} finished runs: {scanned * 1e3:.0f} ms")


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
