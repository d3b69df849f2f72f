"""Masks in NumPy's npz: one array for each mask, and the header as the bytes of its JSON under `__header__`."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from framework.evidence.mask_layout import HEADER, MaskHeader, canonical


def write(path: Path, header: MaskHeader, stored: Callable[[str], numpy.ndarray[Any, Any]]) -> None:
    """Write one mask after the other; one of them is in memory at a time."""
    stated = numpy.frombuffer(canonical(header.as_metadata()).encode(), numpy.uint8)
    with zipfile.ZipFile(path, "w") as archive:
        for name in (HEADER, *header.shapes):
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                array = stated if name == HEADER else stored(name)
                numpy.lib.format.write_array(member, numpy.ascontiguousarray(array), allow_pickle=False)
