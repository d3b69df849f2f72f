"""The longest examples of a split alone: what a batch needs at most is seen with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runners.data.examples import Batch, Examples


class Longest:
    """The ``count`` longest examples, the longest first; of fewer all, repeated."""

    def __init__(self, examples: Examples, count: int):
        self._of = examples
        order = np.argsort(-examples.lengths, kind="stable")
        self._places = np.resize(order, count) if len(order) < count else order[:count]

    def __len__(self) -> int:
        return len(self._places)

    def _own(self, indices: Sequence[int]) -> list[int]:
        return [int(self._places[index]) for index in indices]

    def batch(self, indices: Sequence[int]) -> Batch:
        return self._of.batch(self._own(indices))

    def predictions(self, indices: Sequence[int]) -> int:
        return self._of.predictions(self._own(indices))

    @property
    def lengths(self) -> np.ndarray:
        found: np.ndarray = self._of.lengths[self._places]
        return found

    @property
    def tokens(self) -> int:
        return int(self.lengths.sum())

    def fingerprint(self) -> str:
        return f"{len(self)} of {self._of.fingerprint()}"
