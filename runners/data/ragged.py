"""Rows of different lengths, one after the other in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np


class Ragged(Sequence[np.ndarray]):
    """Rows as slices of ``values`` [entries]; ``ends`` [rows] says where each ends. Slices share the memory."""

    def __init__(self, values: np.ndarray, ends: np.ndarray, begin: int = 0):
        self._values, self._ends, self._begin = values, ends, begin

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], dtype: str = "int64") -> Ragged:
        """The rows in memory."""
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        return cls(np.concatenate([np.asarray(row, dtype) for row in rows] or [np.empty(0, dtype)]), ends)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, place: slice) -> Ragged: ...
    def __getitem__(self, place: int | slice) -> np.ndarray | Ragged:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            if step != 1:
                raise ValueError("rows are taken one after the other")
            return Ragged(self._values, self._ends[first:last], self._start(first))
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._values[self._start(place) : int(self._ends[place])]

    def _start(self, row: int) -> int:
        return self._begin if row == 0 else int(self._ends[row - 1])

    @property
    def lengths(self) -> np.ndarray:
        """Entries of each row, int64 [rows]."""
        return np.diff(self._ends.astype(np.int64), prepend=self._begin)
