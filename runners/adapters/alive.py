"""Which adapters have had a gradient that was not zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set

import torch
from torch import Tensor


class Alive:
    """The names of modules of whose weights one had a gradient other than zero, at any step so far.

    What a step says stays on the device until it is read, so that no step waits for it.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._flags: dict[str, Tensor] = {}

    def seen(self, names: Set[str], weights: Callable[[str], Iterable[Tensor]]) -> None:
        """Take in the gradients that the trained weights of each module have now; of a name ``weights`` gives them."""
        for name in names - self._known:
            for weight in weights(name):
                if weight.grad is not None:
                    found = weight.grad.any()
                    self._flags[name] = found if name not in self._flags else self._flags[name] | found

    def read(self) -> set[str]:
        """The names, in one transfer for all that is not known yet."""
        if self._flags:
            names = list(self._flags)
            found = torch.stack([self._flags[name] for name in names]).tolist()
            self._known |= {name for name, alive in zip(names, found, strict=True) if alive}
            self._flags.clear()
        return self._known

    def load(self, names: Iterable[str]) -> None:
        """Become what another one read."""
        self._known, self._flags = set(names), {}
