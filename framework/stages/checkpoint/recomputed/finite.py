"""Which saved weights are infinite or no numbers, by their bits."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from framework.evidence.scanning.windows import Window, show
from framework.evidence.score_keys import KINDS
from framework.evidence.tensors import StoredTensor
from framework.stages.checkpoint.remembered_answers import NOT_FINITE
from framework.stages.run.observed import Observed


class NotFinite:
    """Counts the weights that are infinite or no number; a :class:`Watcher`. ``counts`` gives them for each tensor that
    has any."""

    def __init__(self, tensors: Mapping[str, StoredTensor]):
        self.units: Mapping[str, int] = {name: 1 for name, tensor in tensors.items() if tensor.dtype in KINDS}
        self.counts: dict[str, int] = {}
        self._turn = threading.Lock()

    def look(self, window: Window) -> None:
        import numpy

        kind, name = KINDS[window.tensor.dtype], window.tensor.name
        for piece in window.pieces(1):
            # Above all finite numbers of its sign, once the bits are ordered with the sign (the positive ones highest)
            # and once without (the negative ones): two maxima are had sooner than one comparison of each.
            bits = piece.bits
            if bits.view(f"<i{kind.bits[-1]}").max() < kind.infinity and bits.max() < kind.sign | kind.infinity:
                continue
            odd = int(numpy.count_nonzero(piece.magnitudes() >= kind.infinity))
            with self._turn:
                self.counts[name] = self.counts.get(name, 0) + odd


def not_finite(observed: Observed) -> Mapping[str, int]:
    """:attr:`NotFinite.counts` of a run's saved model, which is read if that was not seen when it was read before.

    Raises:
        NotRecorded: the run left no model.
    """
    if NOT_FINITE not in observed.known:
        watcher = NotFinite(observed.tensors.tensors)
        show(observed.tensors, watcher)
        observed.known[NOT_FINITE] = watcher.counts
    found: Mapping[str, int] = observed.known[NOT_FINITE]
    return found
