"""The tensors of a checkpoint by the names and in the shapes that its model has them, whatever form they lie in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.forms.bitmask import bitmask_forms
from framework.evidence.forms.by_expert import expert_forms
from framework.evidence.forms.form import Form, Stored
from framework.evidence.forms.torch_pruned import torch_pruned_forms
from framework.evidence.record import read_json
from framework.evidence.scanning.carriers import Carrier, Plain
from framework.evidence.score_keys import KINDS
from framework.evidence.tensors import StoredTensor, TensorFile
from framework.locations import Location

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_PIECE = 1 << 20


class Weights:
    """Tensors as they are, and one for each weight that lies in a form, in the place of what it is made of.

    Raises:
        InputError: a form is broken, or a weight is there in two forms.
    """

    def __init__(self, stored: Stored, forms: Iterable[Form]):
        self.stored = stored
        self.forms: dict[str, Form] = {}
        tensors = dict(stored.tensors)
        for form in forms:
            name = form.tensor.name
            if name in stored.tensors or name in self.forms:
                message = f"{name} is there twice: once more as {' and '.join(form.parts[:2])}"
                raise InputError.at(stored.place(form.parts[0]), message, "leave one of them in the checkpoint")
            self.forms[name] = form
            tensors[name] = form.tensor
            for part in form.parts:
                tensors.pop(part, None)
        self.tensors: Mapping[str, StoredTensor] = dict(sorted(tensors.items()))

    @property
    def kinds(self) -> dict[str, int]:
        """How many weights lie in which form."""
        within = self.stored.kinds if isinstance(self.stored, Weights) else {}
        own = Counter(form.kind for form in self.forms.values() if form.kind)
        return dict(sorted({**within, **own}.items()))

    def flat(self, name: str, start: int, stop: int) -> Array:
        """The bits of the flat elements ``start`` to ``stop`` of a tensor."""
        form = self.forms.get(name)
        return self.stored.flat(name, start, stop) if form is None else form.read(self.stored, start, stop)

    def carriers(self, name: str, unit: int) -> list[Carrier] | None:
        """The stored tensors whose elements show all of a tensor's as they are read; None where none do."""

        def below(part: str, unit: int) -> list[Carrier] | None:
            if isinstance(self.stored, Weights):
                return self.stored.carriers(part, unit)
            return [Plain(self.stored.tensors[part], unit)]

        form = self.forms.get(name)
        return below(name, unit) if form is None else form.carriers(self.stored, unit, below)

    def place(self, name: str) -> Location:
        """The file of a tensor, or of the first of its parts."""
        form = self.forms.get(name)
        return self.stored.place(name if form is None else form.parts[0])

    def bits(self, name: str) -> Array:
        """All bits of a tensor, in its shape."""
        tensor = self.tensors[name]
        return self.flat(name, 0, tensor.elements).reshape(tensor.shape)

    def is_zero(self, name: str) -> Array:
        """A boolean array of the tensor's shape: True where the value is zero (of either sign)."""
        return is_zero(self.bits(name), self.tensors[name].dtype)

    def zeros(self, name: str) -> int:
        """How many of the tensor's values are exactly zero; of a bitmask, what it does not mark."""
        tensor, form = self.tensors[name], self.forms.get(name)
        known = None if form is None else form.zeros(self.stored)
        if known is not None:
            return known
        starts = range(0, tensor.elements, _PIECE)
        pieces = (self.flat(name, start, min(start + _PIECE, tensor.elements)) for start in starts)
        return sum(int(is_zero(piece, tensor.dtype).sum()) for piece in pieces)


def weights_of(stored: Stored, config: Callable[[], Mapping[str, Any]]) -> Weights:
    """The weights of a checkpoint.

    Args:
        config: Gives the model's `config.json`; asked where experts may lie one by one.

    Raises:
        InputError: a form is broken, or a weight is there in two forms.
    """
    found = Weights(stored, chain(bitmask_forms(stored), torch_pruned_forms(stored)))
    if not any(".experts." in name for name in found.tensors):
        return found
    own = config().get("model_type")
    return Weights(found, list(expert_forms(found.tensors, own if isinstance(own, str) else None)))


class WeightsFile(Weights):
    """The weights of one safetensors file, with the `config.json` beside it.

    Raises:
        InputError: the file is missing or broken, or a form in it is.
    """

    def __init__(self, path: Path):
        self.path = path
        self.file = TensorFile(path)
        found = weights_of(self.file, self._config)
        super().__init__(found.stored, found.forms.values())

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.file.metadata

    def bits(self, name: str) -> Array:
        """As of :meth:`TensorFile.bits`: memory-mapped where the tensor is plain."""
        return self.file.bits(name) if name in self.file.tensors else super().bits(name)

    def _config(self) -> Mapping[str, Any]:
        beside = self.path.with_name("config.json")
        return read_json(beside) if beside.is_file() else {}


def is_zero(bits: Array, dtype: str) -> Array:
    """Where values are zero, of either sign, by their bits."""
    if (kind := KINDS.get(dtype)) is not None:
        bits = bits & (kind.sign - 1)
    found: Array = bits == 0
    return found
