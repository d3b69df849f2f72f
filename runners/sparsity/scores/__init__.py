"""What decides which weights go: one file per score. A score is a float tensor of the weight's shape; the lowest go.

All but magnitude and random are measured on calibration batches: forward (and backward) passes of the model as it is.
SparseGPT is no score but a solver, which chooses masks and changes the weights that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from runners.data.examples import Batch
from runners.registry import Registry


@dataclass(frozen=True, slots=True)
class Measured:
    """What a score may look at.

    ``weights`` are the tensors to score by name, ``seed`` the run's, ``model`` holds them, and ``batches`` are the
    calibration's, on its device; without a calibration there are none.
    """

    weights: Mapping[str, Tensor]
    seed: int
    model: nn.Module | None = None
    batches: Sequence[Batch] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Score:
    """``scores`` gives each weight's; ``calibrated`` says whether that needs calibration batches. ``streamed`` says
    that weights and seed are all it needs, so that a checkpoint on disk can be scored piece by piece. ``by_layer`` says
    that the published method measures each layer with the layers before it already pruned."""

    scores: Callable[[Measured], dict[str, Tensor]]
    calibrated: bool = True
    streamed: bool = False
    by_layer: bool = False


@dataclass(frozen=True, slots=True)
class Solver:
    """``solve`` chooses the masks of some weights (all of one layer), from the batches and the structure and amount
    asked for (:class:`runners.sparsity.structures.Wanted`), and changes the weights that stay, in place."""

    solve: Callable[[Measured, Any], dict[str, Tensor]]
    calibrated: bool = True
    streamed: bool = False
    by_layer: bool = True


SCORES: Registry[Score | Solver] = Registry(
    "score",
    "framework.scores",
    {
        "gradient": "runners.sparsity.scores.gradient:GRADIENT",
        "magnitude": "runners.sparsity.scores.magnitude:MAGNITUDE",
        "random": "runners.sparsity.scores.random:RANDOM",
        "sparsegpt": "runners.sparsity.scores.sparsegpt:SPARSEGPT",
        "taylor": "runners.sparsity.scores.taylor:TAYLOR",
        "wanda": "runners.sparsity.scores.wanda:WANDA",
    },
)
