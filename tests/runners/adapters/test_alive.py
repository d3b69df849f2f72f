"""A module is alive when any step so far gave one of its weights a gradient, whenever that is read."""

from __future__ import annotations

import torch
from torch import Tensor

from runners.adapters.alive import Alive


def test_a_gradient_between_two_readings_is_not_lost() -> None:
    weights = {name: torch.ones(3) for name in ("early", "late", "never", "untouched")}

    def of(name: str) -> list[Tensor]:
        return [weights[name]]

    alive = Alive()
    for early, late in ((1.0, 0.0), (0.0, 0.0), (0.0, 2.0)):
        for name, value in (("early", early), ("late", late), ("never", 0.0)):
            weights[name].grad = torch.full((3,), value)
        alive.seen(weights.keys(), of)
        if late == 0.0 and early == 0.0:
            assert alive.read() == {"early"}
    assert alive.read() == {"early", "late"}
    alive.load(["never"])
    assert alive.read() == {"never"}
