"""A mask put on a checkpoint: a copy of it whose masked weights are zero, and all else to the bit as it was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from framework.errors import InputError, UsageError
from framework.evidence.architectures.roles import Architecture
from framework.evidence.atomic import whole_folder
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.forms.by_expert import StackedForm
from framework.evidence.forms.stacked_masks import by_model
from framework.evidence.mask_violations import hold, stored_names
from framework.evidence.masks import MaskFile
from framework.evidence.tensors import StoredTensor, stored_bits
from framework.locations import Location

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5", ".gguf", ".onnx")
"""Files that hold weights: of those beside the tensors that are masked, none is copied."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: by tensor how many weights are masked, and how many of them were not zero before; which files hold
    weights and were left out."""

    folder: Path
    counts: Mapping[str, tuple[int, int]]
    left_out: tuple[str, ...]


def apply(masks: MaskFile, checkpoint: CheckpointFiles, output: Path) -> Applied:
    """Write the masked copy into a new folder, whole or not at all: the tensors' files, and what lies beside them.

    Raises:
        UsageError: the folder is there.
        InputError: a masked tensor is not in the checkpoint, has another shape, or lies in a form whose bits are no
            weights (behind a bitmask, pruned by torch). Experts that lie one by one are masked where they lie.
    """
    if output.exists():
        raise UsageError(f"{output} exists: name a new folder")
    before = {each.name: each for each in hold(masks, checkpoint)}
    masks = by_model(masks, Architecture.of(checkpoint.config()).model_type)
    stored = stored_names(masks.tensors, checkpoint)
    files = {name: file.path for file in checkpoint.files for name in file.tensors}
    places = {tensor: _parts(checkpoint, tensor) for tensor in stored.values()}
    if apart := [tensor for tensor, parts in places.items() if not all(part in files for part in parts)]:
        raise InputError.at(
            checkpoint.place(apart[0]),
            f"{apart[0]} does not lie there as it is, but in a form, and {len(apart) - 1} more",
            "save the model from the program that loads it, and apply the mask to that",
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(output) as folder:
        left_out = _copied(checkpoint, folder)
        for name, tensor in stored.items():
            offset = 0
            for part in places[tensor]:
                own = _tensor_of(checkpoint, part)
                _zeroed(folder / files[part].name, own, masks.packed(name), offset)
                offset += own.elements
        written = CheckpointFiles(folder)
        try:
            if any(each.returned or each.not_numbers for each in hold(masks, written)):
                raise AssertionError("a masked weight is not zero after the mask was applied")
        finally:
            written.close()
    counts = {name: (each.masked, each.returned + each.not_numbers) for name, each in before.items()}
    return Applied(output, counts, left_out)


def _parts(checkpoint: CheckpointFiles, tensor: str) -> tuple[str, ...]:
    """The tensors that hold the elements of one, in their order: itself, or its experts one by one."""
    form = checkpoint.weights.forms.get(tensor)
    return form.parts if isinstance(form, StackedForm) else (tensor,)


def _tensor_of(checkpoint: CheckpointFiles, tensor: str) -> StoredTensor:
    return next(file.tensors[tensor] for file in checkpoint.files if tensor in file.tensors)


def _copied(checkpoint: CheckpointFiles, folder: Path) -> tuple[str, ...]:
    """Copy the files of the tensors, and where they lie in a checkpoint's folder, what describes them."""
    own = [file.path for file in checkpoint.files]
    names = ["model.safetensors"] if not checkpoint.path.is_dir() else [path.name for path in own]
    for path, name in zip(own, names, strict=True):
        shutil.copyfile(path, folder / name)
    if not checkpoint.path.is_dir():
        return ()
    beside = sorted(path for path in checkpoint.folder.iterdir() if path.is_file() and path not in own)
    for path in beside:
        if path.suffix not in WEIGHTS:
            shutil.copyfile(path, folder / path.name)
    return tuple(path.name for path in beside if path.suffix in WEIGHTS)


def _zeroed(path: Path, tensor: StoredTensor, packed: Any, offset: int) -> None:
    """Set the masked elements of a tensor to zero, in its file, piece by piece; its first has the bit ``offset``."""
    if tensor.elements == 0:
        return
    kind = stored_bits(Location(str(path), 1, 1), tensor)
    bits = numpy.memmap(path, dtype=kind, mode="r+", offset=tensor.start, shape=(tensor.elements,))
    for start in range(0, tensor.elements, _PIECE):
        stop = min(start + _PIECE, tensor.elements)
        first, last = offset + start, offset + stop
        kept = numpy.unpackbits(packed[first // 8 : -(-last // 8)], bitorder="little")[first % 8 :][: stop - start]
        bits[start:stop][kept == 0] = 0
    bits.flush()
