"""What a merge must have given, by the tensors on disk: computed here and not by the code that trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.evidence.masks import MaskFile
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SGH, LoRA
from framework.stages.checkpoint.recomputed.hybrid_groups import values
from framework.stages.checkpoint.zeros import MASKS, masks_of
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_WEIGHTS, _CONFIG = "adapter_model.safetensors", "adapter_config.json"
ADAPTER_MASKS = (f"adapter/{MASKS}", f"adapter/lora/{MASKS}")
"""Where the masks of an adapter lie, and those of a hybrid's LoRA."""
PREFIX = "base_model.model."
"""What peft puts before the names of the modules that it adapts."""
_PRECISION = {"F64": 2.0**-52, "F32": 2.0**-23, "F16": 2.0**-10, "BF16": 2.0**-7}
"""The distance from 1 to the next number."""


def merged_by(
    observed: Observed, parent: Observed, spec: LoRA | SGH
) -> Iterator[tuple[str, int, tuple[int, ...] | None]]:
    """Of each merged tensor, how many weights differ from (W + s B A) * M by more than rounding, and the first; of a
    hybrid's also those of its IA3, whose factors l multiply each output, the bias too: (l W) * M.

    Args:
        parent: The run whose weights W the adapter was put on.

    Raises:
        NotRecorded: a part is not there, or does not fit the others.
    """
    assert observed.run is not None
    folder = observed.run.folder / "adapter"
    if isinstance(spec, LoRA):
        scale = spec.alpha / spec.rank
        yield from _of_lora(_Merge(observed, parent, folder), lambda rank: scale)
        return
    parts = [folder / kind for kind in ("lora", "ia3") if (folder / kind / _WEIGHTS).is_file()]
    if not parts:
        raise NotRecorded(f"{observed.step.label} left no adapter/lora and no adapter/ia3")
    for part in parts:
        merge = _Merge(observed, parent, part)
        if part.name == "ia3":
            yield from _of_ia3(merge)
        else:
            yield from _of_lora(merge, lambda rank: spec.alpha / rank if spec.alpha is not None else 2.0)


class _Merge:
    """The parts of a merge: the saved adapter, the weights before and after it, and the masks.

    Raises:
        NotRecorded: the adapter is not there.
    """

    def __init__(self, observed: Observed, parent: Observed, folder: Path):
        assert observed.run is not None
        self.observed, self.folder = observed, folder
        if not (folder / _WEIGHTS).is_file():
            name = (folder / _WEIGHTS).relative_to(observed.run.folder).as_posix()
            raise NotRecorded(f"{observed.step.label} left no {name}")
        self.file = TensorFile(folder / _WEIGHTS)
        self._tensors = (observed.tensors, parent.tensors)
        self.before = parent.tensors.tensors
        self._masks = masks_of(observed) if (observed.run.folder / MASKS).is_file() else None

    def weights(self, name: str) -> tuple[Array, Array]:
        """After and before, in double precision."""
        import numpy

        if any(name not in each.tensors for each in self._tensors):
            raise NotRecorded(f"{self.observed.step.label}: not all parts of the merged {name} are there")
        after, before = (values(each, name).astype(numpy.float64) for each in self._tensors)
        return after, before

    def part(self, name: str, merged: str) -> Array:
        """A part of the adapter, in double precision."""
        import numpy

        if name not in self.file.tensors:
            raise NotRecorded(f"{self.observed.step.label}: not all parts of the merged {merged} are there")
        return values(self.file, name).astype(numpy.float64)

    def apart(self, name: str, expected: Array, allowed: Array) -> tuple[str, int, tuple[int, ...] | None]:
        """How many merged weights are not as expected, within ``allowed`` times the rounding of their dtype."""
        after, _ = self.weights(name)
        keep = self._masks.mask(name) if self._masks is not None and name in self._masks.tensors else True
        precision = max(_PRECISION[each.tensors[name].dtype] for each in self._tensors)
        apart = ~(abs(after - expected * keep) <= precision * allowed)
        return name, int(apart.sum()), _first(apart)


def _of_lora(merge: _Merge, scale_of: Callable[[int], float]) -> Iterator[tuple[str, int, tuple[int, ...] | None]]:
    """``scale_of`` gives s by the rank of a module's matrices."""
    for module in [name.split(".lora_A.")[0] for name in merge.file.tensors if ".lora_A." in name]:
        name = f"{module.removeprefix(PREFIX)}.weight"
        _, before = merge.weights(name)
        down, up = (merge.part(f"{module}.lora_{part}.weight", name) for part in "AB")
        update, size = _oriented(merge, up @ down, abs(up) @ abs(down), before.shape)
        scale, rank = scale_of(len(down)), len(down)
        yield merge.apart(name, before + scale * update, (rank + 4) * (abs(before) + abs(scale) * size))


def _of_ia3(merge: _Merge) -> Iterator[tuple[str, int, tuple[int, ...] | None]]:
    for part in [name for name in merge.file.tensors if name.endswith(".ia3_l")]:
        name = f"{part.removeprefix(PREFIX).removesuffix('.ia3_l')}.weight"
        _, before = merge.weights(name)
        factors = merge.part(part, name).reshape(-1)
        turned = len(factors) != len(before) or (before.shape[0] == before.shape[-1] and _fan_in_fan_out(merge))
        if len(factors) != before.shape[1 if turned else 0]:
            raise NotRecorded(f"{merge.observed.step.label}: {len(factors)} factors for a weight of {before.shape}")
        expected = before * (factors if turned else factors[:, None])
        yield merge.apart(name, expected, 4 * abs(expected))
        bias = name.removesuffix(".weight") + ".bias"
        if bias in merge.before:
            expected = merge.weights(bias)[1] * factors
            yield merge.apart(bias, expected, 4 * abs(expected))


def _fan_in_fan_out(merge: _Merge) -> bool:
    return bool(read_json(merge.folder / _CONFIG).get("fan_in_fan_out"))


def _oriented(merge: _Merge, update: Array, size: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """B A as its weight lies: [out, in], or [in, out] for a Conv1D; peft's configuration tells of square ones."""
    turned = _fan_in_fan_out(merge) if update.shape == shape == update.T.shape else update.T.shape == shape
    if (update.T if turned else update).shape != shape:
        raise NotRecorded(f"{merge.observed.step.label}: an adapter of {update.shape} for a weight of {shape}")
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
