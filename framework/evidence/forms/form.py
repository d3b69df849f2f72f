"""What a form of storage is: the stored tensors that a weight is made of, and how its values are read off them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from framework.evidence.scanning.carriers import Below, Carrier
from framework.evidence.tensors import StoredTensor
from framework.locations import Location

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

BITMASK = "stored with a bitmask"
TORCH_PRUNED = "pruned by torch.nn.utils.prune"
BY_EXPERT = "stored expert by expert"


class Stored(Protocol):
    """Tensors as they lie on disk."""

    @property
    def tensors(self) -> Mapping[str, StoredTensor]: ...

    def flat(self, name: str, start: int, stop: int) -> Array:
        """The bits of the flat elements ``start`` to ``stop``, as unsigned integers."""
        ...

    def place(self, name: str) -> Location: ...


class Form(Protocol):
    """One weight, by the name and in the shape that its model has it."""

    @property
    def kind(self) -> str:
        """What reports call it; empty for a tensor that is plain under another name."""
        ...

    @property
    def tensor(self) -> StoredTensor:
        """Its name, dtype and shape; it lies nowhere as it is, so that `start` and `stop` are 0."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of what it is made of."""
        ...

    def read(self, stored: Stored, start: int, stop: int) -> Array:
        """The bits of its flat elements ``start`` to ``stop``."""
        ...

    def carriers(self, stored: Stored, unit: int, below: Below) -> list[Carrier] | None:
        """Whose elements show all of its own as they are read, in whole units; None where that cannot be."""
        ...

    def zeros(self, stored: Stored) -> int | None:
        """How many of its values are zero, where that is known without reading them."""
        ...
