"""Which examples are measured together: those of like length, so that there is next to no padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def alike(lengths: Sequence[int] | np.ndarray, size: int) -> list[list[int]]:
    """All places of ``lengths`` in groups of at most ``size``, each in order of length, the longest first: what does
    not fit into memory is met at once. Places of one length keep their order.
    """
    ordered = np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist()
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]
