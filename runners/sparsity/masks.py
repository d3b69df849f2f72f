"""Masks on weights, and in run folders: `masks.safetensors`, in the format of :mod:`framework.evidence.mask_layout`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from framework.errors import FrameworkError
from framework.evidence.mask_layout import packed
from runners.sparsity.mask_files import open_masks, write_mask_file

MASKS = "masks.safetensors"

Masks = dict[str, Tensor]
"""A boolean tensor (True = kept) of each masked weight's shape, by the weight's name."""


def save_masks(run_folder: Path, masks: Mapping[str, Tensor], facts: Mapping[str, object]) -> None:
    """Write `<run>/masks.safetensors`, whole or not at all; ``facts`` (JSON data) become part of its header."""
    shapes = {name: tuple(mask.shape) for name, mask in masks.items()}
    write_mask_file(run_folder / MASKS, shapes, facts, lambda name: packed(masks[name].cpu().numpy()))


def load_masks(run_folder: Path) -> Masks:
    """The masks of a run; empty where it has none.

    Raises:
        InputError: the file is damaged, or no mask file.
    """
    path = run_folder / MASKS
    return read_masks(path) if path.exists() else {}


def read_masks(path: Path) -> Masks:
    """The masks of a file of any container: `.safetensors`, `.npz` or `.pt`.

    Raises:
        InputError: the file is damaged, or no mask file.
    """
    file = open_masks(path)
    return {name: torch.from_numpy(file.mask(name).copy()) for name in file.tensors}


def masked_parameters(model: nn.Module, masks: Mapping[str, Tensor]) -> dict[str, nn.Parameter]:
    """The parameters that the masks belong to, by name.

    Raises:
        FrameworkError: a mask has no parameter of its name and shape.
    """
    parameters = dict(model.named_parameters())
    for name, mask in masks.items():
        if name not in parameters:
            raise FrameworkError(f"a mask belongs to {name}, and the model has no such tensor")
        if parameters[name].shape != mask.shape:
            shapes = f"{tuple(mask.shape)} and the tensor {tuple(parameters[name].shape)}"
            raise FrameworkError(f"the mask of {name} has the shape {shapes}")
    return {name: parameters[name] for name in masks}


def apply_masks(parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> None:
    """Set what is masked to +0.0, in place."""
    with torch.no_grad():
        for name, mask in masks.items():
            parameters[name].masked_fill_(~mask.to(parameters[name].device), 0)


def intersection(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> Masks:
    """What both keep; a tensor that only one of them masks follows that one."""
    both = {name: first[name] & second[name] for name in first if name in second}
    return {**first, **second, **both}


def zeros(parameters: Mapping[str, Tensor]) -> dict[str, int]:
    """How many values of each tensor are exactly zero."""
    return {name: int((tensor == 0).sum()) for name, tensor in parameters.items()}


def violations(parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> dict[str, int]:
    """How many masked values of each tensor are not zero; tensors without any are left out."""
    found = {
        name: int(((parameters[name] != 0) & ~mask.to(parameters[name].device)).sum()) for name, mask in masks.items()
    }
    return {name: count for name, count in found.items() if count}
