"""Masks with an exact number of zeros, however many scores are equal."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_BINS = 1 << 16


def keep_masks(scores: Mapping[str, Tensor], zeros: int) -> dict[str, Tensor]:
    """Masks (True = kept) of the scores' shapes, with exactly ``zeros`` False in all of them together.

    The lowest scores go. Among equal scores at the threshold the first positions are kept, in the order of the
    tensors and then of the flat index.

    The threshold is found by a radix histogram: the bits of a float32 order as it does (once the sign is accounted
    for), so one pass over the upper 16 bits and one over the lower find it exactly, with the keys of one tensor in
    memory at a time.

    Args:
        scores: Float tensors of 16 or 32 bits, in any mixture. Infinities are allowed.
        zeros: From 0 to the number of all scores.

    Raises:
        ValueError: the number is out of that range, or a score is not a number.
    """
    elements = sum(score.numel() for score in scores.values())
    if not 0 <= zeros <= elements:
        raise ValueError(f"{zeros} of {elements} scores cannot be removed")
    if zeros == 0:
        return {name: torch.ones_like(score, dtype=torch.bool) for name, score in scores.items()}
    upper = torch.zeros(_BINS, dtype=torch.int64)
    for score in scores.values():
        upper += torch.bincount(_keys(score) // _BINS, minlength=_BINS)
    high, below = _bin_of(upper, zeros)
    lower = torch.zeros(_BINS, dtype=torch.int64)
    for score in scores.values():
        keys = _keys(score)
        lower += torch.bincount(keys[keys // _BINS == high] % _BINS, minlength=_BINS)
    low, below_in_bin = _bin_of(lower, zeros - below)
    threshold = high * _BINS + low
    ties_kept = int(lower[low]) - (zeros - below - below_in_bin)
    masks = {}
    for name, score in scores.items():
        keys = _keys(score)
        tied = keys == threshold
        kept_tie = tied & (tied.cumsum(0) <= ties_kept)
        ties_kept -= int(kept_tie.sum())
        masks[name] = ((keys > threshold) | kept_tie).view(score.shape)
    return masks


def _bin_of(histogram: Tensor, count: int) -> tuple[int, int]:
    """The bin that holds the ``count``-th lowest value (from 1), and how many values lie in the bins before it."""
    cumulated = histogram.cumsum(0)
    index = int(torch.searchsorted(cumulated, count))
    return index, int(cumulated[index] - histogram[index])


def _keys(score: Tensor) -> Tensor:
    """Integers from 0 to 2^32 - 1, flat, that order as the scores do; -0.0 and 0.0 are equal."""
    if score.dtype == torch.float64:
        raise ValueError("scores of 64 bits are not supported: round them to float32 first")
    values = score.detach().cpu().float().flatten() + 0.0
    if bool(values.isnan().any()):
        raise ValueError("a score is not a number")
    bits = values.view(torch.int32).long()
    return torch.where(bits < 0, -1 - (bits & 0x7FFFFFFF), bits) + (1 << 31)
