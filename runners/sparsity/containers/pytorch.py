"""Masks as `torch.save` writes them: `{"header": {...}, "masks": {name: tensor}}`, read with `weights_only`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy
import torch

from framework.errors import InputError
from framework.evidence.mask_layout import MaskHeader
from framework.locations import Location


def write(path: Path, header: MaskHeader, stored: Callable[[str], numpy.ndarray[Any, Any]]) -> None:
    """All masks are in memory at once."""
    masks = {name: torch.from_numpy(stored(name).copy()) for name in header.shapes}
    torch.save({"header": header.as_metadata(), "masks": masks}, path)


class Pickled:
    """The masks of a `.pt` file; plain booleans by name, without a header, are masks too.

    Raises:
        InputError: it cannot be read without running code of its own, or holds something else.
    """

    def __init__(self, path: Path):
        where = Location(str(path), 1, 1)
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise InputError.at(where, "no such file") from None
        except UnpicklingError:
            raise InputError.at(
                where,
                "not a mask file, or a damaged one: not tensors alone, and nothing else is unpickled",
                "safetensors and npz hold nothing that would have to be",
            ) from None
        except (OSError, RuntimeError, ValueError, EOFError, KeyError) as problem:
            said = next(iter(str(problem).splitlines()), type(problem).__name__)
            raise InputError.at(where, f"not a mask file: {said}") from None
        known = isinstance(found, dict) and isinstance(found.get("masks", found), dict)
        masks = found.get("masks", found) if known else {}
        if not masks or not all(isinstance(mask, torch.Tensor) for mask in masks.values()):
            raise InputError.at(where, "not a mask file: no tensors by name")
        self._stated = found.get("header")
        self._masks = {str(name): mask.contiguous() for name, mask in masks.items()}

    def header(self) -> MaskHeader:
        if self._stated is None:
            if odd := [name for name, mask in self._masks.items() if mask.dtype != torch.bool]:
                raise ValueError(f"the mask of {odd[0]} is {self._masks[odd[0]].dtype}, not boolean")
            return MaskHeader("boolean", {name: tuple(mask.shape) for name, mask in self._masks.items()}, {}, None)
        header = MaskHeader.from_metadata(self._stated if isinstance(self._stated, dict) else {})
        if missing := sorted(set(header.shapes) ^ set(self._masks)):
            raise ValueError(f"{missing[0]} is in its header or in its masks, not in both")
        if odd := [name for name, mask in self._masks.items() if mask.element_size() != 1]:
            raise ValueError(f"{odd[0]} is {self._masks[odd[0]].dtype}, not one byte each")
        return header

    def read(self, name: str, layout: str) -> numpy.ndarray[Any, Any]:
        return self._masks[name].view(torch.uint8).numpy().reshape(-1)

    def between(self, name: str, layout: str, start: int, stop: int) -> numpy.ndarray[Any, Any]:
        return self.read(name, layout)[start:stop]

    def size(self, name: str, layout: str) -> int:
        return int(self._masks[name].numel())
