"""What saving the state of a training costs: `python benchmarks/checkpoints.py`.

For models of several sizes with AdamW (three tensors for each that is trained): the time that training waits for a
checkpoint, beside a bare write and fsync of as many bytes in the same round; the time to find it again and take it
up, its hashes checked; and the share of the time that saving takes where no knob says how often, with the optimizer
steps between two checkpoints. Medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import torch
from training_step import made, synchronize

from framework.planning.steps import Knobs
from runners.training.checkpointing.saving import LARGEST_SHARE, LEAST_SECONDS, Saver

SIZES = {"2 MB": (2, 64), "40 MB": (4, 256), "250 MB": (6, 512)}
"""Layers and hidden size of a GPT-2 whose state is about so large."""


def bare(path: Path, size: int) -> float:
    block = os.urandom(1 << 20)
    begun = time.perf_counter()
    with path.open("wb") as stream:
        for _ in range(size >> 20):
            stream.write(block)
        stream.write(block[: size & ((1 << 20) - 1)])
        stream.flush()
        os.fsync(stream.fileno())
    seconds = time.perf_counter() - begun
    path.unlink()
    return seconds


def measured(layers: int, hidden: int, rounds: int, folder: Path) -> dict[str, float]:
    step, state = made("gpt2", layers, hidden, length=64, batch=2)
    seconds: dict[str, list[float]] = {"step": [], "save": [], "bare": [], "load": []}
    saver = Saver(folder, Knobs(), {})
    for number in range(1, rounds + 2):
        begun = time.perf_counter()
        step(number, range(2))
        synchronize()
        seconds["step"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        saver.save(number, state, [], {})
        seconds["save"].append(time.perf_counter() - begun)
        newest = folder / "checkpoints" / f"step-{number:08d}"
        size = sum(path.stat().st_size for path in newest.iterdir())
        seconds["bare"].append(bare(folder / "bare", size))
        begun = time.perf_counter()
        saved = saver.newest(print)
        assert saved is not None
        state.load(saved)
        synchronize()
        seconds["load"].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}  # the first warms up
    return {**medians, "bytes": size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write; by default the system's folder for such files")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    heads = (("state", 8), ("save", 8), ("s/GB", 6), ("/ bare", 7), ("load", 8), ("step", 9), ("every", 7))
    print(*(f"{text:>{width}}" for text, width in (*heads, ("steps", 7), ("share", 6))))
    for name in options.sizes:
        folder = Path(tempfile.mkdtemp(dir=options.folder))
        try:
            found = measured(*SIZES[name], options.rounds, folder)
        finally:
            shutil.rmtree(folder)
        every = max(LEAST_SECONDS, found["save"] / LARGEST_SHARE)
        gigabytes = found["bytes"] / 1e9
        print(
            f"{1e3 * gigabytes:5.0f} MB {found['save']:6.3f} s {found['save'] / gigabytes:6.2f}"
            f" {found['save'] / found['bare']:7.2f} {found['load']:6.3f} s {1e3 * found['step']:6.1f} ms"
            f" {every:5.0f} s {every / found['step']:7.0f} {found['save'] / (every + found['save']):6.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
