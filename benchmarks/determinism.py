"""What a deterministic training step costs: `python benchmarks/determinism.py`.

Two processes build the same model and train it on the same batch, one as every run does (deterministic operations,
all generators seeded at each step), one without either. They take turns, a block of steps each, so that both see the
same machine; each has a process of its own since cuBLAS reads its workspace's size only once. Printed is the median
over the rounds of the ratio of their times, with the least and the greatest.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection


def worker(pipe: Connection, deterministic: bool, size: tuple[str, int, int, int, int], threads: int) -> None:
    """Answers each number of steps with the seconds that they took."""
    import torch
    from training_step import made, synchronize

    from runners.training import determinism, update

    torch.set_num_threads(threads)
    if not deterministic:
        update.seed_everything = lambda *arguments: None  # type: ignore[assignment]
    done = 0
    with determinism.deterministic(deterministic):
        step, _ = made(*size)
        indices = range(size[-1])
        while steps := pipe.recv():
            synchronize()
            begun = time.perf_counter()
            for _ in range(steps):
                step(done, indices)
                done += 1
            synchronize()
            pipe.send(time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=["gpt2", "llama", "mamba"])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5, help="per block")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    print(f"{'family':8} {'ms/step':>8} {'deterministic':>14} {'ratio':>7} {'range':>15}")
    for family in options.families:
        size = (family, options.layers, options.hidden, options.length, options.batch)
        pipes = []
        for deterministic in (False, True):
            here, there = spawn.Pipe()
            spawn.Process(target=worker, args=(there, deterministic, size, options.threads), daemon=True).start()
            pipes.append(here)

        def block(pipe: Connection, steps: int) -> float:
            pipe.send(steps)
            seconds: float = pipe.recv()
            return seconds / steps

        for pipe in pipes:
            block(pipe, 3)  # warm up
        rounds = []
        for number in range(options.rounds):
            order = (0, 1) if number % 2 else (1, 0)
            times = {which: block(pipes[which], options.steps) for which in order}
            rounds.append((times[0], times[1]))
        for pipe in pipes:
            pipe.send(0)
        ratios = [after / before for before, after in rounds]
        plain, strict = (1e3 * statistics.median(times) for times in zip(*rounds, strict=True))
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{family:8} {plain:8.1f} {strict:14.1f} {statistics.median(ratios):7.3f} {spread:>15}", flush=True)


if __name__ == "__main__":
    main()
