"""Masks of torch tensors with an exact number of zeros, however many scores are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import torch
from torch import Tensor

from framework.evidence.score_keys import KINDS, common_kind, converted
from runners.sparsity.exactly.keyed import ArrayKeys
from runners.sparsity.exactly.packing import PackedMasks
from runners.sparsity.exactly.top_k import write_masks

_KINDS = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
_SIGNED = {8: torch.int64, 4: torch.int32, 2: torch.int16}


def keep_masks(scores: Mapping[str, Tensor], zeros: int) -> dict[str, Tensor]:
    """Masks (True = kept) of the scores' shapes, with exactly ``zeros`` False in all of them together.

    The lowest scores go. Among equal scores at the threshold the first positions are kept, in the order of the
    tensors and then of the flat index.

    Args:
        scores: Float tensors of 16, 32 or 64 bits, in any mixture. Infinities are allowed.
        zeros: From 0 to the number of all scores.

    Raises:
        ValueError: the number is out of that range, or a score is not a number.
    """
    return keep_masks_at(scores, [zeros])[0]


def keep_masks_at(scores: Mapping[str, Tensor], zeros: Sequence[int]) -> list[dict[str, Tensor]]:
    """The masks of several numbers of zeros, from one pass over the scores; see :func:`keep_masks`."""
    if any(bool(score.isnan().any()) for score in scores.values()):
        raise ValueError("a score is not a number")
    keys = tensor_keys(scores)
    found = PackedMasks(keys.sizes, len(zeros))
    write_masks(keys, zeros, found)
    return [{name: unpacked(bits, scores[name].shape) for name, bits in level.items()} for level in found.levels]


def tensor_keys(scores: Mapping[str, Tensor]) -> ArrayKeys:
    """The keys of scores in memory, which are not copied where all have the same type and none is below zero."""
    bits = {name: bits_of(score) for name, score in scores.items()}
    kind = common_kind([_KINDS[score.dtype] for score in scores.values()] or ["F32"])
    same = {
        name: own if _KINDS[scores[name].dtype] == kind.name else converted(own, _KINDS[scores[name].dtype], kind)
        for name, own in bits.items()
    }
    signed = any(bool((score < 0).any()) for score in scores.values())
    return ArrayKeys(same, kind, signed)


def bits_of(tensor: Tensor) -> numpy.ndarray[Any, Any]:
    """The bits of a float tensor on the CPU as unsigned integers, sharing its memory where it is contiguous there."""
    whole = tensor.detach().cpu().contiguous()
    bits: numpy.ndarray[Any, Any] = whole.view(_SIGNED[whole.element_size()]).numpy()
    return bits.view(KINDS[_KINDS[tensor.dtype]].bits)


def unpacked(bits: numpy.ndarray[Any, Any], shape: Sequence[int]) -> Tensor:
    """A boolean tensor from its flat bits."""
    count = int(numpy.prod(shape, dtype=numpy.int64))
    return torch.from_numpy(numpy.unpackbits(bits, count=count, bitorder="little").view(bool)).view(*shape)
