"""Weights in the forms of other libraries, written by hand as those libraries write them."""

from __future__ import annotations

from typing import Any

import numpy

from tests.support.tensors import stored

Entry = tuple[str, tuple[int, ...], bytes]


def bitmask(module: str, values: Any, dtype: str = "F32", kept: Any = None) -> dict[str, Entry]:
    """A weight of compressed-tensors 0.9.4; ``kept`` makes it one of `sparse-24-bitmask`."""
    weight = numpy.asarray(values)
    chosen = weight != 0 if kept is None else numpy.asarray(kept)
    inside, rows = weight[chosen], chosen.sum(axis=1)
    found = {
        f"{module}.bitmask": stored(numpy.packbits(chosen, axis=-1, bitorder="little"), "U8"),
        f"{module}.compressed": stored(inside if kept is None else inside.reshape(len(weight), -1), dtype),
        f"{module}.shape": stored(numpy.reshape(weight.shape, (-1,) if kept is None else (-1, 1)), "I64"),
    }
    return found if kept is not None else {**found, f"{module}.row_offsets": stored(rows.cumsum() - rows, "I64")}


def torch_pruned(name: str, values: Any, mask: Any, dtype: str = "F32") -> dict[str, Entry]:
    """A parameter under `torch.nn.utils.prune`."""
    return {f"{name}_orig": stored(values, dtype), f"{name}_mask": stored(numpy.asarray(mask, float), dtype)}


def experts(layer: str, stacked: dict[str, Any], modules: dict[str, tuple[str, ...]]) -> dict[str, Entry]:
    """Stacked experts one by one: ``modules`` follow each other along the outputs of each stacked tensor."""
    found = {}
    for name, values in stacked.items():
        for number, expert in enumerate(numpy.asarray(values)):
            parts = numpy.split(expert, len(modules[name]))
            found |= {
                f"{layer}.{number}.{own}.weight": stored(part) for own, part in zip(modules[name], parts, strict=True)
            }
    return found
