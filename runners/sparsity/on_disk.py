"""Scores that follow from weights on disk and a seed: read in pieces for selection, whole where units are scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.score_keys import KINDS, converted
from runners.sparsity.exactly.keyed import FileKeys


class OnDisk:
    """The scores of some tensors of a checkpoint.

    Args:
        shapes: Of the tensors, in the order in which ties are broken.
        seed: Of random scores; None makes them magnitudes.
        read: Bytes that are read at once.
    """

    def __init__(self, files: CheckpointFiles, shapes: Mapping[str, tuple[int, ...]], seed: int | None, read: int):
        self.shapes, self._files, self._seed = shapes, files, seed
        self.keys = FileKeys(files, list(shapes), seed, read)

    def values(self, name: str) -> Any:
        import torch

        if self._seed is not None:
            keys = self.keys.read(name, 0, self.keys.sizes[name])
            return torch.from_numpy(keys.astype("<f4")).reshape(self.shapes[name])
        stored = numpy.array(self._files.bits(name))
        wide = converted(stored, self._files.tensors[name].dtype, KINDS["F64"]).view("<f8")
        return torch.from_numpy(wide).abs().reshape(self.shapes[name])
