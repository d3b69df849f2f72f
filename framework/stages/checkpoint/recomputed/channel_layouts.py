"""Which tensors a reorderable dimension lies in, and what a tensor is after reordering.

Stated a second time, apart from the code that permutes, so that a tensor which that code forgot is one that differs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

Axes = dict[str, tuple[int, int]]
"""For the end of a tensor's name: the dimension of the tensor, and how many blocks of the order lie at its end."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one dimension of an architecture lies.

    ``modules`` is a pattern of the modules' names, one per layer, ``sized`` the tensor in them that has the dimension
    once and always.
    """

    modules: str
    sized: str
    axes: Axes

    def module_of(self, tensor: str) -> tuple[str, str] | None:
        """The module and the name within it of a tensor that the dimension lies in."""
        match = re.fullmatch(rf"({self.modules})\.(.+)", tensor)
        return (match[1], match[2]) if match and match[2] in self.axes else None

    def reordered(self, name: str, bits: numpy.ndarray[Any, Any], order: Any) -> numpy.ndarray[Any, Any]:
        """A tensor whose index i holds what index ``order[i]`` held, in each block; what lies before them stays."""
        import numpy

        dimension, blocks = self.axes[name]
        first = bits.shape[dimension] - blocks * len(order)
        index = [numpy.arange(first), *(first + block * len(order) + order for block in range(blocks))]
        return numpy.take(bits, numpy.concatenate(index), axis=dimension)


_MIXER = r"backbone\.layers\.\d+\.mixer"
_MAMBA_CHANNEL: Axes = {
    **dict.fromkeys(("A_log", "D", "conv1d.weight", "conv1d.bias", "dt_proj.weight", "dt_proj.bias"), (0, 1)),
    **dict.fromkeys(("in_proj.weight", "in_proj.bias"), (0, 2)),
    **dict.fromkeys(("x_proj.weight", "out_proj.weight"), (1, 1)),
}
_GATED: Axes = {**dict.fromkeys(("gate_proj.weight", "up_proj.weight"), (0, 1)), "down_proj.weight": (1, 1)}
_LLAMA: Axes = {**_GATED, **dict.fromkeys(("gate_proj.bias", "up_proj.bias"), (0, 1))}
_BERT: Axes = {
    **dict.fromkeys(("intermediate.dense.weight", "intermediate.dense.bias"), (0, 1)),
    "output.dense.weight": (1, 1),
}
_GPT2: Axes = {"c_fc.weight": (1, 1), "c_fc.bias": (0, 1), "c_proj.weight": (0, 1)}

LAYOUTS: dict[tuple[str, str], Layout] = {
    ("mamba", "state"): Layout(_MIXER, "A_log", {"A_log": (1, 1), "x_proj.weight": (0, 2)}),
    ("mamba", "channel"): Layout(_MIXER, "D", _MAMBA_CHANNEL),
    ("llama", "channel"): Layout(r"model\.layers\.\d+\.mlp", "down_proj.weight", _LLAMA),
    ("gpt", "channel"): Layout(r"model\.layers\.\d+\.mlp", "down_proj.weight", _LLAMA),
    ("mistral", "channel"): Layout(r"model\.layers\.\d+\.mlp", "down_proj.weight", _GATED),
    ("bert", "channel"): Layout(r"bert\.encoder\.layer\.\d+", "intermediate.dense.weight", _BERT),
    ("gpt2", "channel"): Layout(r"transformer\.h\.\d+\.mlp", "c_fc.weight", _GPT2),
}
"""By family and dimension. Mamba's `in_proj` has the convolution's input and then the gate, its `x_proj` the rows of
the time step, of B and of C."""
