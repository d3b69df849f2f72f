"""One forward pass over random tokens, and how long it takes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

import torch

from runners.data.examples import Batch
from runners.models.classifier import Encoder
from runners.seeds import generator
from runners.training.objectives import logits_of


def random_batch(config: Any, size: int, length: int, seed: int, device: torch.device, labelled: bool) -> Batch:
    """Sequences of tokens drawn evenly from the vocabulary, without padding, [size, length]; of a classifier's inputs
    (``labelled``) each has a class."""
    draw = generator(seed, "measurement", size, length)
    tokens = torch.randint(config.vocab_size, (size, length), generator=draw)
    labels = torch.zeros(size, dtype=torch.int64) if labelled else None
    return Batch(tokens, torch.ones_like(tokens), labels, tokens.numel(), size).to(device)


def outputs_of(model: Any, batch: Batch) -> Any:
    """What the model makes of the batch: logits, or the states of an encoder that has no head yet."""
    if isinstance(model, Encoder):
        return next(model.children())(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    return logits_of(model, batch)


def forward(model: Any, batch: Batch) -> Callable[[], None]:
    """A call that makes one forward pass without gradients, and returns when it is done."""

    def run() -> None:
        with torch.inference_mode():
            outputs_of(model, batch)
        if batch.input_ids.is_cuda:
            torch.cuda.synchronize(batch.input_ids.device)

    return run


def timed(run: Callable[[], None], repeats: int) -> list[float]:
    """Seconds of each of ``repeats`` calls. As in `timeit`, the garbage collector does not run meanwhile."""
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        seconds = []
        for _ in range(repeats):
            begun = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - begun)
        return seconds
    finally:
        if collecting:
            gc.enable()


def spread(seconds: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile (linear interpolation); all the same for one value."""
    if len(seconds) < 2:
        return seconds[0], seconds[0], seconds[0]
    low, _, high = quantiles(seconds, n=4, method="inclusive")
    return low, median(seconds), high
