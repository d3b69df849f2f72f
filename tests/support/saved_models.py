"""The model that a run of the small project leaves, with its masks and its order of channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy

from tests.support.tensors import save_tensors, stored

SHAPES = {
    "h.0.in_proj.weight": (4, 6),
    "h.1.in_proj.weight": (4, 6),
    "transformer.h.0.mlp.c_fc.weight": (4, 6),
    "wte.weight": (16, 4),
    "wpe.weight": (618, 4),
}
ORDER = (3, 1, 2, 0, 5, 4)
"""How a permutation reorders the channels."""
TOTAL = sum(rows * columns for rows, columns in SHAPES.values())
"""The parameters of the model, as the project declares them."""
ZEROS = {"h.0.in_proj.weight": 12, "h.1.in_proj.weight": 10}
"""The zeros of each masked tensor."""


def kept(name: str, zeros: int | None = None) -> numpy.ndarray[Any, Any]:
    """A mask whose first values are removed."""
    flat = numpy.ones(SHAPES[name], bool).ravel()
    flat[: ZEROS[name] if zeros is None else zeros] = False
    return flat.reshape(SHAPES[name])


def write_model(
    folder: Path, masks: Mapping[str, numpy.ndarray[Any, Any]], order: Iterable[int] = range(6), **changes: Any
) -> None:
    """The weights without what is masked: each column of its own value, and rising from the first to the last in
    `in_proj`; and the mask file, where there are masks.

    ``order`` is that of the channels of the feed-forward layer; ``changes`` replace tensors by their name's last word
    but one (`wte`).
    """
    weights = {name: numpy.resize(numpy.arange(1.0, 7.0), shape) for name, shape in SHAPES.items()}
    # The lowest 22 of both together are the first 12 of the one and the first 10 of the other.
    weights |= {f"h.{layer}.in_proj.weight": 1 + 1.5 * layer + numpy.arange(24.0).reshape(4, 6) for layer in (0, 1)}
    weights = {name: weight * masks.get(name, True) for name, weight in weights.items()}
    weights["transformer.h.0.mlp.c_fc.weight"] = weights["transformer.h.0.mlp.c_fc.weight"][:, list(order)]
    weights |= {name: changes[word] for name in weights if (word := name.split(".")[-2]) in changes}
    save_tensors(folder / "model" / "model.safetensors", {name: stored(value) for name, value in weights.items()})
    if masks:
        save_tensors(folder / "masks.safetensors", {name: stored(mask, "BOOL") for name, mask in masks.items()})


def write_order(folder: Path, order: Iterable[int], **metadata: str) -> None:
    """The saved order of the channels, as a permutation leaves it."""
    save_tensors(folder / "permutation.safetensors", {"transformer.h.0.mlp": stored(list(order), "I64")}, metadata)
