"""The shape of an adapter: attached before training, checked and merged after it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from runners.training.methods import Method


class TrainedAdapter(Method):
    """``model`` is what is trained. ``masks`` belong to the weights without the adapter, by tensor name."""

    model: nn.Module

    @abstractmethod
    def __init__(self, specification: Any, model: nn.Module, masks: Mapping[str, Tensor], seed: int): ...

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What the run record says: `kind`, `targets` (full module names), `parameters`, and `dead`, the targets whose
        gradient was exactly zero at every step so far."""

    @abstractmethod
    def trained_weights(self) -> Iterator[tuple[str, Tensor]]:
        """The weights of the targets as the trained function uses them, update included, by tensor name, one at a
        time: what a merge would give if it masked nothing."""

    @abstractmethod
    def save(self, run_folder: Path) -> None:
        """Write `<run>/adapter/`, whole or not at all."""

    @abstractmethod
    def merge(self) -> nn.Module:
        """The model with the update added to its weights, its tensors named as before; the caller applies masks."""
