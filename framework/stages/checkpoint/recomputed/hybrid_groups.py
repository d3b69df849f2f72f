"""Which adapter each module of a sparsity-guided hybrid must have, by the saved weights and masks it started from.

Computed here and not by the code that trains: two independent answers. Only numpy reads the tensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from framework.evidence.masks import MaskFile
from framework.evidence.tensors import Tensors
from framework.manifest.sections.methods import SGH
from framework.stages.run.observed import NotRecorded

if TYPE_CHECKING:
    import numpy

GROUPS = ("high", "low", "ia3", "frozen")
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_WEIGHT = ".weight"


def values(file: Tensors, name: str) -> numpy.ndarray[Any, Any]:
    """A saved floating-point tensor as numbers, in its own precision (that of float32 for bfloat16).

    Raises:
        NotRecorded: it is not of floating point.
    """
    bits, dtype = file.bits(name), file.tensors[name].dtype
    if dtype == "BF16":
        return (bits.astype("<u4") << 16).view("<f4")
    if dtype not in _FLOATS:
        raise NotRecorded(f"{name} is {dtype}, and has no magnitude")
    return bits.view(_FLOATS[dtype])


def targets_of(spec: SGH, tensors: Tensors) -> list[str]:
    """The modules whose name is a target or ends in one, at a dot: those with a weight of two dimensions or more."""
    weights = [name for name, tensor in tensors.tensors.items() if name.endswith(_WEIGHT) and len(tensor.shape) > 1]
    modules = [name.removesuffix(_WEIGHT) for name in weights]
    return [name for name in modules if any(f".{name}".endswith(f".{target}") for target in spec.targets)]


def importance_in(spec: SGH, tensors: Tensors, masks: MaskFile | None) -> dict[str, float]:
    """Each target's importance, to 9 significant digits: the mean of |W|, or the share of weights that its mask keeps.

    Raises:
        NotRecorded: masks are the importance, and a target has none.
    """
    import numpy

    found = {}
    for module in targets_of(spec, tensors):
        name = f"{module}{_WEIGHT}"
        if spec.importance == "magnitude":
            exact = float(numpy.abs(values(tensors, name)).mean(dtype=numpy.float64))
        elif masks is None or name not in masks.tensors:
            raise NotRecorded(f"the checkpoint that it started from has no mask of {name}")
        else:
            exact = 1 - masks.zeros(name) / masks.tensors[name].elements
        found[module] = float(f"{exact:.9g}")
    return found


def expected_groups(spec: SGH, importance: Mapping[str, float]) -> dict[str, str]:
    """Each target's group. A percentile p is reached by the (1 - p) * n most important, rounded half up; of equally
    important modules by the first by name, where numbers count as numbers."""
    names = sorted(sorted(importance, key=_by_number), key=importance.__getitem__, reverse=True)
    groups: dict[str, str] = {}
    for group, threshold in zip(GROUPS, spec.thresholds, strict=False):
        if spec.threshold_kind == "percentile":
            share = (1 - Decimal(str(threshold))) * len(names)
            reached = names[: int(share.to_integral_value(ROUND_HALF_UP))]
        else:
            reached = [name for name in names if importance[name] >= threshold]
        groups |= {name: group for name in reached if name not in groups}
    return groups | {name: GROUPS[-1] for name in names if name not in groups}


def _by_number(name: str) -> list[tuple[int, str]]:
    parts = name.split(".")
    return [(int(part), "") if re.fullmatch(r"\d+", part) else (1 << 62, part) for part in parts]
