"""The shape of a mask that is learned while a phase trains."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import nn

from framework.planning.recipes import Recipe
from runners.models.families import Family
from runners.sparsity.masks import Masks
from runners.training.methods import Method


class LearnedMask(Method):
    """Attached to a model before training, and turned into hard masks after it."""

    @abstractmethod
    def __init__(self, specification: Any, model: nn.Module, family: Family, phase: Recipe, seed: int): ...

    @abstractmethod
    def harden(self) -> tuple[Masks, dict[str, Any]]:
        """Take the method off the model, set what is masked to zero, and return the masks with facts for the record."""
