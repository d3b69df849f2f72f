"""What a merge must have given, by the tensors on disk: computed here and not by the code that trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework.evidence.masks import MaskFile
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile
from framework.stages.checkpoint.recomputed.hybrid_groups import values
from framework.stages.checkpoint.zeros import MASKS, masks_of
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_WEIGHTS, _CONFIG = "adapter/adapter_model.safetensors", "adapter/adapter_config.json"
ADAPTER_MASKS = (f"adapter/{MASKS}", f"adapter/lora/{MASKS}")
"""Where the masks of an adapter lie, and those of a hybrid's LoRA."""
_PREFIX = "base_model.model."
_PRECISION = {"F64": 2.0**-52, "F32": 2.0**-23, "F16": 2.0**-10, "BF16": 2.0**-7}
"""The distance from 1 to the next number."""


def merged_weights(
    observed: Observed, parent: Observed, scale: float
) -> Iterator[tuple[str, int, tuple[int, ...] | None]]:
    """Of each merged tensor, how many weights differ from (W + scale B A) * M by more than rounding, and the first.

    Args:
        parent: The run whose weights W the adapter was put on.

    Raises:
        NotRecorded: a part is not there, or does not fit the others.
    """
    import numpy

    assert observed.run is not None
    path = observed.run.folder / _WEIGHTS
    if not path.is_file():
        raise NotRecorded(f"{observed.step.label} left no {_WEIGHTS}")
    file = TensorFile(path)
    masks = masks_of(observed) if (observed.run.folder / MASKS).is_file() else None
    modules = [name.split(".lora_A.")[0] for name in file.tensors if ".lora_A." in name]
    for module in modules:
        name = f"{module.removeprefix(_PREFIX)}.weight"
        tensors = (observed.tensors, parent.tensors)
        if f"{module}.lora_B.weight" not in file.tensors or any(name not in each.tensors for each in tensors):
            raise NotRecorded(f"{observed.step.label}: not all parts of the merged {name} are there")
        after, before = (values(each, name).astype(numpy.float64) for each in tensors)
        down, up = (values(file, f"{module}.lora_{part}.weight").astype(numpy.float64) for part in "AB")
        keep = masks.bits(name).astype(bool) if masks is not None and name in masks.tensors else True
        update, size = _oriented(observed, up @ down, abs(up) @ abs(down), before.shape)
        expected = (before + scale * update) * keep
        precision = max(_PRECISION[each.tensors[name].dtype] for each in tensors)
        allowed = precision * (down.shape[0] + 4) * (abs(before) + abs(scale) * size)
        apart = ~(abs(after - expected) <= allowed)
        yield name, int(apart.sum()), _first(apart)


def _oriented(observed: Observed, update: Array, size: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """B A as its weight lies: [out, in], or [in, out] for a Conv1D; peft's configuration tells of square ones."""
    if update.shape == shape == update.T.shape:
        assert observed.run is not None
        turned = bool(read_json(observed.run.folder / _CONFIG).get("fan_in_fan_out"))
    else:
        turned = update.T.shape == shape
    if (update.T if turned else update).shape != shape:
        raise NotRecorded(f"{observed.step.label}: an adapter of {update.shape} for a weight of {shape}")
    return (update.T, size.T) if turned else (update, size)


def returned_in(parent: Observed, masks: MaskFile) -> int:
    """How many weights of a run's saved model are not zero under other masks.

    Raises:
        NotRecorded: a masked tensor is not in the model, or is of another shape.
    """
    count = 0
    for name, mask in masks.tensors.items():
        tensor = parent.tensors.tensors.get(name)
        if tensor is None or tensor.shape != mask.shape:
            raise NotRecorded(f"{parent.step.label}: the saved model has no tensor {name} of the mask's shape")
        count += int((~parent.tensors.is_zero(name) & masks.is_zero(name)).sum())
    return count


def adapter_masks(observed: Observed) -> MaskFile:
    """The masks that were saved with a run's adapter.

    Raises:
        NotRecorded: there are none.
    """
    assert observed.run is not None
    for name in ADAPTER_MASKS:
        if (observed.run.folder / name).is_file():
            return masks_of(observed, name)
    raise NotRecorded(f"{observed.step.label} left no adapter/{MASKS}")


def _first(apart: Array) -> tuple[int, ...] | None:
    import numpy

    return tuple(int(axis[0]) for axis in numpy.nonzero(apart)) if apart.any() else None
