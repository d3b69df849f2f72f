"""Muon (Jordan et al. 2024) for the hidden matrices, and AdamW for all else, as one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

_MATRICES = "matrices"


class MuonAndAdamW(torch.optim.Optimizer):
    """torch's Muon and torch's AdamW, which each see their own groups only.

    Muon orthogonalises updates of matrices; embeddings, heads, norms, biases and tensors of other dimensions are
    trained by AdamW, as its authors advise, at the same learning rate where no group states another one.

    Args:
        groups: With `matrices: True` those for Muon; the learning rate of each is its own.
        muon: Arguments of Muon beside the groups; its `eps` is that of the orthogonalisation.
        adamw: Arguments of AdamW.
    """

    called = "Muon"

    def __init__(self, groups: Sequence[dict[str, Any]], lr: float, muon: dict[str, Any], adamw: dict[str, Any]):
        own = [group for group in groups if group.get(_MATRICES)]
        rest = [{**group, _MATRICES: False} for group in groups if not group.get(_MATRICES)]
        self._muon = torch.optim.Muon(own or [{"params": [], _MATRICES: True}], lr=lr, **muon)
        self._adamw = torch.optim.AdamW(rest or [{"params": []}], lr=lr, **adamw)
        super().__init__([*self._muon.param_groups, *(self._adamw.param_groups if rest else [])], {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of all parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part, matrices in ((self._muon, True), (self._adamw, False)):
            # A state that was loaded has made new groups and a new state: they are looked up each time.
            part.param_groups = [group for group in self.param_groups if group[_MATRICES] is matrices]
            part.state = self.state
            part.step()
        return loss
