"""What a step may do beside plain training: transforms of a checkpoint, and masks learned while training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runners.registry import Registry

if TYPE_CHECKING:
    from runners.step_context import RunContext
    from runners.transforms.learned import LearnedMask

Transform = Callable[["RunContext", Any], None]
"""Carries out a step that does not train: from its context and its specification to artefacts and record."""

TRANSFORMS: Registry[Transform] = Registry(
    "transform",
    "framework.transforms",
    {"csp": "runners.transforms.csp:csp", "prune": "runners.transforms.prune:prune"},
)
"""By the name of the step, and for a permutation by the name of its method."""

LEARNED_MASKS: Registry[type[LearnedMask]] = Registry(
    "learned mask", "framework.masks", {"sdm": "runners.transforms.sdm:SDMask"}
)
