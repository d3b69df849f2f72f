"""Reading masks that other programs wrote: by name, as arrays of numbers, with what else stands beside them.

Nothing is unpickled: `torch.load` with `weights_only`, `numpy.load` without pickles.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from framework.errors import InputError
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.forms.bitmask import BitmaskForm
from framework.evidence.forms.torch_pruned import MASK, ORIGINAL, TorchPrunedForm
from framework.evidence.forms.weights import Weights
from framework.evidence.mask_layout import FORMAT, HEADER
from framework.evidence.score_keys import KINDS, converted
from framework.evidence.tensors import TensorFile
from framework.locations import Location
from runners.sparsity.mask_files import open_masks

Array = numpy.ndarray[Any, Any]
PICKLED = (".pt", ".pth", ".bin")
_WRAPPERS = ("masks", "mask", "state_dict", "model")
"""Under which keys of a file by torch the tensors stand, where they are not at the top."""
_NOT_UNPICKLED = "nothing is unpickled: save the masks where they were made as safetensors, or as tensors by name"


@dataclass(slots=True)
class ForeignMasks:
    """Masks by the names that their file has for them; the values are as stored.

    ``facts`` are plain values beside them, ``rest`` counts further tensors that are no masks.
    """

    path: Path
    form: str
    masks: dict[str, Array]
    facts: dict[str, Any] = field(default_factory=dict)
    rest: int = 0

    @property
    def place(self) -> Location:
        return Location(str(self.path), 1, 1)


def read_foreign(path: Path) -> ForeignMasks:
    """The masks of a file or of a checkpoint's folder.

    Raises:
        InputError: it cannot be read without running its code, or holds no tensors by name.
    """
    if path.suffix in PICKLED:
        found = _of_torch(path)
    elif path.suffix == ".npz":
        found = _of_numpy(path)
    else:
        found = _of_safetensors(path)
    if not found.masks:
        raise InputError.at(found.place, "no masks in here: no tensors by name")
    return found


def _of_safetensors(path: Path) -> ForeignMasks:
    if path.is_file() and TensorFile(path).metadata.get("format") == FORMAT:
        return _own(path)
    files = CheckpointFiles(path)
    try:
        weights = files.weights
        while isinstance(weights.stored, Weights):
            weights = weights.stored
        formed = {
            name: form.mask(weights.stored)
            for name, form in weights.forms.items()
            if isinstance(form, BitmaskForm | TorchPrunedForm)
        }
        if formed:
            kinds = ", ".join(sorted({form.kind for form in weights.forms.values()}))
            return ForeignMasks(path, kinds, formed, rest=len(weights.tensors) - len(formed))
        plain = {name: _numbers(weights, name) for name in _masks_among(weights.tensors)}
        return ForeignMasks(path, "tensors of safetensors", plain, rest=len(weights.tensors) - len(plain))
    finally:
        files.close()


def _own(path: Path) -> ForeignMasks:
    masks = open_masks(path)
    return ForeignMasks(path, FORMAT, {name: masks.mask(name) for name in masks.tensors}, dict(masks.facts))


def _numbers(weights: Weights, name: str) -> Array:
    bits, dtype = weights.bits(name), weights.tensors[name].dtype
    if dtype in KINDS:
        found: Array = converted(numpy.array(bits), dtype, KINDS["F64"]).view("<f8")
        return found
    return numpy.array(bits).view(bool) if dtype == "BOOL" else numpy.array(bits)


def _of_numpy(path: Path) -> ForeignMasks:
    where = Location(str(path), 1, 1)
    try:
        with path.open("rb") as stream, numpy.load(stream, allow_pickle=False) as archive:
            names = set(archive.files)
            if HEADER in names:
                return _own(path)
            if {"indices", "indptr", "shape", "format"} <= names:
                message = "one sparse matrix of SciPy, without the name of its tensor"
                raise InputError.at(where, message, "save each mask by its tensor's name: numpy.savez(path, **masks)")
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InputError.at(where, "no such file") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError) as problem:
        raise InputError.at(where, f"no masks of numpy.savez: {problem}", _NOT_UNPICKLED) from None
    chosen = _masks_among(arrays)
    facts = {name: array.item() for name, array in arrays.items() if array.ndim == 0}
    return ForeignMasks(path, "numpy.savez", {n: arrays[n] for n in chosen if n not in facts}, facts)


def _of_torch(path: Path) -> ForeignMasks:
    import pickle

    import torch

    where = Location(str(path), 1, 1)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError.at(where, "no such file") from None
    except pickle.UnpicklingError:
        raise InputError.at(where, "holds objects that are no tensors and no plain values", _NOT_UNPICKLED) from None
    except (OSError, RuntimeError, ValueError, EOFError, KeyError) as problem:
        said = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise InputError.at(where, f"no file of torch.save: {said}") from None
    if not isinstance(found, Mapping):
        kind = "a list" if isinstance(found, list | tuple) else f"a {type(found).__name__}"
        message = f"{kind}, whose masks have no names"
        raise InputError.at(where, message, "save a mapping from the name of each tensor to its mask")
    if isinstance(found.get("header"), Mapping) and found["header"].get("format") == FORMAT:
        return _own(path)
    facts: dict[str, Any] = {}
    while True:
        facts |= {str(name): value for name, value in found.items() if isinstance(value, str | int | float | bool)}
        inner = next((key for key in _WRAPPERS if isinstance(found.get(key), Mapping)), None) or _only(found)
        if inner is None:
            break
        for key, value in found.items():
            if key != inner and isinstance(value, Mapping):
                facts |= {str(name): each for name, each in value.items() if isinstance(each, str | int | float | bool)}
        found = found[inner]
    tensors = {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
    if odd := [name for name, value in found.items() if isinstance(value, list | tuple | Mapping)]:
        message = f"{odd[0]} is a {type(found[odd[0]]).__name__}, no tensor"
        if not tensors:
            raise InputError.at(where, message, "save a mapping from the name of each tensor to its mask")
    chosen = _masks_among(tensors)
    masks = {name: _array(tensors[name]) for name in chosen}
    return ForeignMasks(path, "torch.save", masks, facts, len(tensors) - len(chosen))


def _only(found: Mapping[Any, Any]) -> Any:
    """The key of the one mapping that holds tensors, where the rest are plain values."""
    import torch

    inner = [key for key, value in found.items() if isinstance(value, Mapping)]
    holding = [key for key in inner if any(isinstance(each, torch.Tensor) for each in found[key].values())]
    beside = any(isinstance(value, torch.Tensor) for value in found.values())
    return holding[0] if len(holding) == 1 and not beside else None


def _array(tensor: Any) -> Array:
    import torch

    dense = tensor.to_dense() if tensor.layout is not torch.strided else tensor
    found: Array = (dense.double() if dense.is_floating_point() else dense).detach().numpy()
    return found


def _masks_among(names: Iterable[str]) -> list[str]:
    """All tensors; where `X_orig` stands beside `X_mask`, as torch's pruning stores both, only the masks."""
    names = list(names)
    masks = [name for name in names if name.removesuffix(MASK) + ORIGINAL in names and name.endswith(MASK)]
    return masks or names
