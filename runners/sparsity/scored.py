"""Scores of tensors in memory, and the masks that a structure makes of them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from runners.sparsity.exactly.exact import tensor_keys, unpacked
from runners.sparsity.exactly.packing import PackedMasks
from runners.sparsity.masks import Masks
from runners.sparsity.structures import STRUCTURES, Wanted, registered_name


class TensorScores:
    """Scores as torch tensors; ties are broken in the order of the names."""

    def __init__(self, scores: Mapping[str, Tensor]):
        self._scores = dict(sorted(scores.items()))
        self.shapes = {name: tuple(score.shape) for name, score in self._scores.items()}
        self.keys = tensor_keys(self._scores)

    def values(self, name: str) -> Tensor:
        return self._scores[name].detach().float().cpu()


def masks_of(scores: Mapping[str, Tensor], structure: str, wanted: Wanted) -> list[Masks]:
    """The masks of a declared structure (`unstructured`, `2:4`, `channel`, ...), one for each amount.

    Raises:
        FrameworkError: the amount cannot be hit exactly; see the structure.
        ValueError: a score is not a number.
    """
    scored = TensorScores(scores)
    sink = PackedMasks(scored.keys.sizes, len(wanted.amounts))
    STRUCTURES.get(registered_name(structure))(scored, wanted, sink)
    return [{name: unpacked(bits, scored.shapes[name]) for name, bits in level.items()} for level in sink.levels]
