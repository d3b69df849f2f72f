"""Every source of randomness has its own seed, derived from the run's seed and a purpose.

So the order of the data does not depend on how many numbers an initialisation drew, and what happens at an optimizer
step depends on the seed and the step alone, wherever the run was interrupted.
"""

from __future__ import annotations

import hashlib

import torch


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A seed from 0 to 2^63 - 1 for one purpose, such as `("step", 17)`."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def seed_everything(seed: int, *purpose: str | int) -> None:
    """Seed torch's generators of the CPU and of all CUDA devices for one purpose.

    As `torch.manual_seed` does, whose calls for devices that are not there are kept for ever, each with its stack
    (`torch/cuda/__init__.py` of 2.13, `_lazy_call`): half a millisecond, and memory that grows with every step.
    """
    number = derived_seed(seed, *purpose)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(number)


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A generator of its own on the CPU for one purpose."""
    return torch.Generator().manual_seed(derived_seed(seed, *purpose))
