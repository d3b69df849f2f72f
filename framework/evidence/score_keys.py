"""Integers that order as scores do: |x| orders as the bits of x without the sign, for every float type alike.

Exact selection works on these keys, so that no value is rounded and 16-bit weights stay 16 bits wide. They are what a
pruning selects by, and what :mod:`framework.conformance` recomputes it from; both read them here, without torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class FloatKind:
    """A float type as safetensors spells it: the unsigned type of its bits, and those of infinity.

    A key of a magnitude is at most ``infinity``; the keys above it are those of what is not a number.
    """

    name: str
    bits: str
    infinity: int

    @property
    def sign(self) -> int:
        return 1 << (8 * int(self.bits[-1]) - 1)


KINDS = {
    "F64": FloatKind("F64", "<u8", 0x7FF0_0000_0000_0000),
    "F32": FloatKind("F32", "<u4", 0x7F80_0000),
    "F16": FloatKind("F16", "<u2", 0x7C00),
    "BF16": FloatKind("BF16", "<u2", 0x7F80),
}
_VALUES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}

RANDOM = FloatKind("random", "<u4", 1 << 24)
"""Random scores are whole numbers up to 2^24, which a float32 holds exactly: the order is the same as floats."""
_PER_COUNT = 8


def common_kind(dtypes: Iterable[str]) -> FloatKind:
    """The smallest type that holds every value of these types exactly.

    Raises:
        KeyError: a type that is no float of 16, 32 or 64 bits.
    """
    kinds = {KINDS[dtype].name for dtype in dtypes}
    if len(kinds) == 1:
        return KINDS[kinds.pop()]
    return KINDS["F64" if "F64" in kinds else "F32"]


def magnitude_keys(bits: Array, dtype: str, kind: FloatKind, out: Array | None = None) -> Array:
    """|x| as keys of ``kind``, from the bits of x in ``dtype``, which ``kind`` must hold exactly.

    Args:
        bits: Unsigned integers of any shape.
        out: Where the keys go, where no conversion is needed.
    """
    import numpy

    if dtype != kind.name:
        bits = converted(bits, dtype, kind)
        out = bits
    keys: Array = numpy.bitwise_and(bits, numpy.asarray(kind.sign - 1, bits.dtype), out=out)
    return keys


def converted(bits: Array, dtype: str, kind: FloatKind) -> Array:
    """The same values in a wider type, as bits."""
    import numpy

    if dtype == "BF16":
        wide = (bits.astype("<u4") << numpy.uint32(16)).view("<f4")
    else:
        wide = numpy.ascontiguousarray(bits).view(_VALUES[dtype])
    with numpy.errstate(invalid="ignore"):  # a signalling NaN stays not a number
        found: Array = wide.astype(_VALUES[kind.name]).view(kind.bits)
    return found


def random_keys(seed: int, name: str, start: int, stop: int) -> Array:
    """The random scores of a tensor's flat elements ``start`` to ``stop``: uint32 from 1 to 2^24.

    They follow from the seed, the tensor's name and the index alone: Philox, a counter-based generator (Salmon et al.
    2011, "Parallel Random Numbers: As Easy as 1, 2, 3"), with SHA-256 of `SEED/random score/NAME` as its key, so that
    any piece of any tensor can be had by itself.
    """
    import numpy

    digest = hashlib.sha256(f"{seed}/random score/{name}".encode()).digest()
    generator = numpy.random.Philox(key=int.from_bytes(digest[:16], "little"))
    first = start // _PER_COUNT
    generator.advance(first)
    skipped = start - first * _PER_COUNT
    needed = skipped + stop - start
    drawn = generator.random_raw(-(-needed // 2)).astype("<u8", copy=False).view("<u4")
    keys: Array = (drawn[skipped:needed] >> numpy.uint32(8)) + numpy.uint32(1)
    return keys
