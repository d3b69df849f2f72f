"""Which examples go into which optimizer step, on which process: a function of the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from framework.errors import FrameworkError
from runners.seeds import generator
from runners.training.length import steps_per_epoch

LARGEST_DEFAULT_MICRO_BATCH = 32


@dataclass(frozen=True, slots=True)
class Geometry:
    """How one optimizer step's sequences are spread: batch_size = micro_batch_size * accumulation * processes."""

    batch_size: int
    micro_batch_size: int
    accumulation: int
    processes: int

    @classmethod
    def of(cls, batch_size: int, micro_batch_size: int | None, processes: int) -> Geometry:
        """The accumulation that follows from the others. Without a micro-batch size it is the largest divisor of a
        process's share up to 32.

        Raises:
            FrameworkError: the batch size is no multiple of micro-batch size times processes.
        """
        share, rest = divmod(batch_size, processes)
        if rest == 0 and micro_batch_size is None:
            largest = min(share, LARGEST_DEFAULT_MICRO_BATCH)
            micro_batch_size = next(size for size in range(largest, 0, -1) if share % size == 0)
        if rest or micro_batch_size is None or share % micro_batch_size:
            raise FrameworkError(
                f"a batch of {batch_size} sequences cannot be made of micro-batches of {micro_batch_size or 1} on "
                f"{processes} processes: it is no multiple of {(micro_batch_size or 1) * processes}"
            )
        return cls(batch_size, micro_batch_size, share // micro_batch_size, processes)


def epoch_order(examples: int, seed: int, epoch: int) -> list[int]:
    """The order of the examples in one epoch (from 0)."""
    order: list[int] = torch.randperm(examples, generator=generator(seed, "order", epoch)).tolist()
    return order


def global_batches(
    examples: int, batch_size: int, seed: int, steps: int, start: int = 0
) -> Iterator[tuple[int, list[int]]]:
    """For each optimizer step from ``start`` on its epoch (from 0) and the indices of its examples; the last of an
    epoch may be fewer."""
    per_epoch = steps_per_epoch(examples, batch_size)
    order: list[int] = []
    for step in range(start, steps):
        epoch, place = divmod(step, per_epoch)
        if place == 0 or step == start:
            order = epoch_order(examples, seed, epoch)
        yield epoch, order[place * batch_size : (place + 1) * batch_size]


def micro_batches(indices: Sequence[int], geometry: Geometry, process: int) -> Iterator[tuple[list[int], bool]]:
    """One process's micro-batches of a step, and whether they count.

    Every process gets the same number of them, since they communicate. Where an incomplete batch leaves one without
    examples, it repeats the first one, which does not count.
    """
    chunk = geometry.micro_batch_size * geometry.processes
    for start in range(0, len(indices), chunk):
        own = list(indices[start : start + chunk][process :: geometry.processes])
        yield (own, True) if own else ([indices[0]], False)
