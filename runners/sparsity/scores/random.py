"""Random numbers that follow from the seed and each tensor's name alone."""

import torch
from torch import Tensor

from framework.evidence.score_keys import random_keys
from runners.sparsity.scores import Measured, Score


def random(measured: Measured) -> dict[str, Tensor]:
    """Whole numbers from 1 to 2^24 as float32, and 0 where a weight is zero already, so that it goes first."""
    found = {}
    for name, weight in measured.weights.items():
        keys = random_keys(measured.seed, name, 0, weight.numel())
        scores = torch.from_numpy(keys.astype("<f4")).view(weight.shape)
        found[name] = scores * (weight.detach().cpu() != 0)
    return found


RANDOM = Score(random, calibrated=False, streamed=True)
