"""What recording costs a script: the same steps with and without it, in turn.

$ python benchmarks/recorder.py                 # steps of about 5 ms on this machine
$ python benchmarks/recorder.py --groups 50     # an optimizer with many groups, each with a rate of its own

A turn is a short training. Turns with and without alternate, and which comes first alternates, too: of each pair the
ratio of its median steps is taken, and of these the median, since a machine that others use is slower at one time than
at another. Times are those of the processor in this thread, which trains and records. What the calls took by
themselves, the writing once in a second included, is measured in a longer training.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

import framework

MANIFEST = """
version: 1
paper: {title: What recording costs}
models: {perceptron: {family: perceptron, path: perceptron}}
datasets: {random: {path: random.csv, train_examples: 1000}}
phases: {train: {objective: classification, dataset: random, max_steps: 1000, batch_size: 64, optimizer: {name: adamw, learning_rate: 1.0e-3}}}
variants: {dense: {steps: [train]}}
seeds: [1]
"""  # noqa: E501
MILLISECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=100, help="with and without each (default: 100)")
    parser.add_argument("--steps", type=int, default=20, help="in one turn (default: 20)")
    parser.add_argument("--long", type=int, default=1000, help="steps of the longer training (default: 1000)")
    parser.add_argument("--groups", type=int, default=2, help="of the optimizer (default: 2)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "experiment.yaml").write_text(MANIFEST, "utf-8")
        width = _width(options.groups)
        training = _Training(width, options.groups)
        ratios, plain = [], []
        for turn in range(options.turns):
            pair = {
                recorded: statistics.median(training.turn(options.steps, Path(folder) if recorded else None, []))
                for recorded in ((True, False) if turn % 2 else (False, True))
            }
            ratios.append(pair[True] / pair[False])
            plain.append(pair[False])
        own: list[float] = []
        training.turn(options.long, Path(folder), own)
    step, took = statistics.median(plain), statistics.fmean(own)
    print(f"{options.turns} turns of {options.steps} steps each, {options.groups} groups, torch {torch.__version__}")
    print(f"a step without: {1e3 * step:.3f} ms (median)")
    low, _, high = statistics.quantiles(ratios, n=4)
    print(
        f"with / without: {statistics.median(ratios):.4f} (median of the pairs; half of them {low:.4f} to {high:.4f})"
    )
    print(f"the calls themselves: {1e6 * took:.1f} us a step, mean of {options.long}: {took / step:.2%} of it")


class _Training:
    """A perceptron under AdamW, whose first steps are over."""

    def __init__(self, width: int, groups: int):
        torch.manual_seed(1)
        self.features, self.labels = torch.randn(64, 64), torch.randint(10, (64,))
        self.model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.Linear(width, 10))
        for _ in range(groups - 2):
            self.model.append(nn.Linear(10, 10))
        layers = [layer for layer in self.model if isinstance(layer, nn.Linear)]
        parts: list[list[Any]] = [[] for _ in range(groups)]
        for number, layer in enumerate(layers):
            parts[number % groups] += layer.parameters()
        stated = [{"params": part, "lr": 1e-3 * 0.9**number} for number, part in enumerate(parts)]
        self.optimizer = torch.optim.AdamW(stated)
        for _ in range(10):
            self.step()

    def step(self) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self.model(self.features), self.labels)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss

    def turn(self, steps: int, folder: Path | None, own: list[float]) -> list[float]:
        """Seconds of each step; ``own`` gets those that the recorder's calls took."""
        run: Any = None
        seconds = []
        block: Any = nullcontext()
        if folder is not None:
            block = run = framework.record(variant="dense", seed=1, manifest=folder)
        with block:
            if run is not None:
                run.watch(self.model)
            for _ in range(steps):
                begun = time.thread_time()
                loss = self.step()
                done = time.thread_time()
                if run is not None:
                    run.step(self.optimizer, loss=loss, samples=64)
                    own.append(time.thread_time() - done)
                seconds.append(time.thread_time() - begun)
        return seconds


def _width(groups: int) -> int:
    """The width at which a step takes some 5 ms here."""
    width = 64
    while True:
        training = _Training(width, groups)
        times = []
        for _ in range(9):
            begun = time.thread_time()
            training.step()
            times.append(time.thread_time() - begun)
        if statistics.median(times) * 1e3 >= MILLISECONDS or width > 4096:
            return width
        width = int(width * 1.2)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
