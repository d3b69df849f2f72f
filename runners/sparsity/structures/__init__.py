"""What is removed as one: single weights, N of each M inputs, inner channels, attention heads, or outputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from runners.registry import Registry
from runners.sparsity.exactly.keyed import Keys
from runners.sparsity.exactly.packing import Sink
from runners.sparsity.exactly.top_k import ROOM


@dataclass(frozen=True, slots=True)
class Amount:
    """How many weights to remove: a share, or exactly the zeros of a reference, by tensor name."""

    share: float | None = None
    zeros: Mapping[str, int] | None = None

    def over(self, names: Sequence[str]) -> int | None:
        """The exact number over these tensors, None for a share."""
        return None if self.zeros is None else sum(self.zeros[name] for name in names)

    def of(self, size: int) -> int:
        """A share of a number of things, rounded to the nearest whole one."""
        assert self.share is not None
        return round(self.share * size)


class Scored(Protocol):
    """The scores of some tensors: as keys for selection, and as values (a float tensor of the weight's shape) where
    they are added up. ``shapes`` are in the order in which ties are broken: that of the names."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]: ...

    @property
    def keys(self) -> Keys: ...

    def values(self, name: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a structure is asked for.

    ``amounts`` holds one for each level. ``scope`` says who competes: all weights (`model`), those of each layer
    (`layer`; single weights: of each tensor), or those of each output (`output`). ``pattern`` is (N, M), ``layers``
    are the units of a structured pruning, ``input_first`` the weights stored as [inputs, outputs], and ``room`` how
    many keys near thresholds may be held at once.
    """

    amounts: Sequence[Amount]
    scope: str = "model"
    pattern: tuple[int, int] | None = None
    layers: Sequence[Any] = ()
    input_first: Container[str] = field(default_factory=frozenset)
    room: int = ROOM


Structure = Callable[[Scored, Wanted, Sink], None]
"""Writes the mask of each amount."""

STRUCTURES: Registry[Structure] = Registry(
    "structure",
    "framework.structures",
    {
        "N:M": "runners.sparsity.structures.n_of_m:n_of_m",
        "channel": "runners.sparsity.structures.units:units",
        "head": "runners.sparsity.structures.units:units",
        "output": "runners.sparsity.structures.units:units",
        "unstructured": "runners.sparsity.structures.unstructured:unstructured",
    },
)

UNITS = ("channel", "head", "output")
"""The structures whose units are those of :mod:`runners.sparsity.channels`."""


def registered_name(structure: str) -> str:
    """The registry's name of a declared structure: all of `2:4`, `4:8`, ... are `N:M`."""
    return "N:M" if ":" in structure else structure


def pattern_of(structure: str) -> tuple[int, int] | None:
    """(N, M) of a declared structure; None for others."""
    if ":" not in structure:
        return None
    kept, size = structure.split(":")
    return int(kept), int(size)
