"""What a mask file is made of: its header, its layouts, and the digest over both metadata and bits.

`docs/masks.md` describes the format for others; :mod:`framework.evidence.masks` reads it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

FORMAT, VERSION = "framework-mask", 1
LAYOUTS = ("packed", "boolean", "bitmask")
HEADER = "__header__"
_PIECE = 1 << 23


@dataclass(frozen=True, slots=True)
class MaskHeader:
    """What a mask file says about its masks.

    ``shapes`` are those of the masked tensors by name, ``facts`` how the masks came about (score, structure, scope,
    sparsity, seed, ...), ``sha256`` the digest of both and of all bits; None in a file that somebody wrote by hand.
    """

    layout: str
    shapes: Mapping[str, tuple[int, ...]]
    facts: Mapping[str, Any]
    sha256: str | None

    def as_metadata(self) -> dict[str, str]:
        """As text by key: the metadata of a safetensors file."""
        stated = {"format": FORMAT, "version": str(VERSION), "layout": self.layout, "sha256": self.sha256 or ""}
        return {**stated, "shapes": canonical(_listed(self.shapes)), "facts": canonical(self.facts)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> MaskHeader:
        """The inverse.

        Raises:
            ValueError: it is of another format or version, or not what it should be.
        """
        if metadata.get("format") != FORMAT:
            raise ValueError(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
        if metadata.get("version") != str(VERSION):
            raise ValueError(f"its version is {metadata.get('version')!r}; this program reads version {VERSION}")
        if (layout := metadata.get("layout", "")) not in LAYOUTS:
            raise ValueError(f"its layout is {layout!r}, none of {', '.join(LAYOUTS)}")
        shapes, facts = json.loads(metadata.get("shapes", "")), json.loads(metadata.get("facts", ""))
        if not isinstance(shapes, dict) or not isinstance(facts, dict):
            raise ValueError("its shapes and facts are no mappings")
        for name, shape in shapes.items():
            if not isinstance(shape, list) or any(type(length) is not int or length < 0 for length in shape):
                raise ValueError(f"the shape of {name} is {shape!r}")
        return cls(layout, {name: tuple(shape) for name, shape in shapes.items()}, facts, metadata.get("sha256"))


def stored_name(name: str, layout: str) -> str:
    """What the stored tensor of a mask is called."""
    return f"{name}.bitmask" if layout == "bitmask" else name


def stored_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """The shape of the stored bytes of a mask."""
    if layout == "packed":
        return (-(-math.prod(shape) // 8),)
    return (*shape[:-1], -(-shape[-1] // 8)) if layout == "bitmask" else shape


def packed(mask: Array) -> Array:
    """The flat bits of a boolean array, 8 in a byte, the first in the lowest bit; the rest of the last byte is 0."""
    import numpy

    return numpy.packbits(mask.reshape(-1), bitorder="little")


def ones(bits: Array) -> int:
    """How many bits of an array of uint8 are 1."""
    import numpy

    count = getattr(numpy, "bitwise_count", None)  # since NumPy 2
    if count is None:
        count = numpy.array([value.bit_count() for value in range(256)], numpy.uint8).__getitem__
    return sum(int(count(piece).sum(dtype=numpy.int64)) for piece in _pieces(bits))


def digest(
    facts: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], bits: Callable[[str], Iterable[Array]]
) -> str:
    """SHA-256 over the canonical JSON of the facts and shapes, a zero byte, and each mask's packed bits (in
    pieces) by name."""
    import numpy

    found = hashlib.sha256(canonical({"facts": dict(facts), "shapes": _listed(shapes)}).encode() + b"\0")
    for name in sorted(shapes):
        for part in bits(name):
            for piece in _pieces(part):
                found.update(numpy.ascontiguousarray(piece).data)
    return found.hexdigest()


def canonical(data: Any) -> str:
    """JSON with sorted keys and no spaces, as the digest sees it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _listed(shapes: Mapping[str, Iterable[int]]) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in sorted(shapes.items())}


def _pieces(bits: Array) -> Iterator[Array]:
    for start in range(0, len(bits), _PIECE):
        yield bits[start : start + _PIECE]
