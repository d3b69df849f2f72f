"""A mask of another program as booleans in its tensor's shape, 1 = kept; or why it is none, by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy

Array = numpy.ndarray[Any, Any]
BIT_ORDERS = ("big", "little")


class Misfit(Exception):
    """The mask fits nothing as it is; ``advice`` says what would be right."""

    def __init__(self, message: str, advice: str):
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Reading:
    """How masks are stored, where they do not show it: ``inverted`` ones have 1 for what is pruned, ``transposed``
    modules' masks are those of their weight's transpose, and packed ones have their first bit highest or lowest
    (``bits``, `big` as of numpy.packbits, or `little`)."""

    inverted: bool = False
    transposed: tuple[str, ...] = ()
    bits: str | None = None

    def turns(self, name: str) -> bool:
        module = f".{name.removesuffix('.weight')}"
        return any(module.endswith(f".{each}") for each in self.transposed)


def fitted(name: str, values: Array, shape: tuple[int, ...] | None, reading: Reading) -> Array:
    """One mask.

    Args:
        shape: The tensor's, where a checkpoint says it.

    Raises:
        Misfit: it is no mask of this tensor as it is stored.
    """
    turned = reading.turns(name)
    lying = (*shape[:-2], shape[-1], shape[-2]) if shape and len(shape) > 1 and turned else shape
    if lying is not None and _packed(values, lying):
        values = _unpacked(values, lying, reading)
    kept = ~_kept(values) if reading.inverted else _kept(values)
    if lying is not None and kept.ndim == 1 and kept.size == math.prod(lying):
        kept = kept.reshape(lying)  # row by row, as torch and NumPy flatten
    if turned and kept.ndim > 1:
        kept = kept.swapaxes(-1, -2)
    if shape is None:
        if kept.ndim < 2:
            what = "flattened, or of a vector or of whole units: its shape does not show it"
            raise Misfit(f"has {list(kept.shape)} values, {what}", "name the model's --checkpoint")
        return numpy.ascontiguousarray(kept)
    if kept.shape == shape:
        return numpy.ascontiguousarray(kept)
    raise _of_another_shape(values.shape, shape, turned)


def _kept(values: Array) -> Array:
    if values.dtype == bool:
        return values
    if values.dtype.kind not in "fiu":
        raise Misfit(f"holds {values.dtype}, no numbers", "a mask is boolean, or 0 and 1 of any type")
    odd = (values != 0) & (values != 1)
    if count := int(numpy.count_nonzero(odd)):
        at = tuple(int(axis) for axis in numpy.unravel_index(int(numpy.argmax(odd)), values.shape))
        message = f"{count:,} of {values.size:,} values are neither 0 nor 1, the first is {values[at]} at {list(at)}"
        if values.dtype.kind == "f":
            raise Misfit(message, "these are weights, scores or a soft mask: threshold them where they were made")
        raise Misfit(message, "indices are no mask; packed bits need the model's --checkpoint and --bits")
    found: Array = values == 1
    return found


def _packed(values: Array, shape: tuple[int, ...]) -> bool:
    if values.dtype != numpy.uint8 or values.shape == shape:
        return False
    return values.shape in ((-(-math.prod(shape) // 8),), (*shape[:-1], -(-shape[-1] // 8)) if shape else ())


def _unpacked(values: Array, shape: tuple[int, ...], reading: Reading) -> Array:
    if reading.bits is None:
        message = f"is packed, 8 weights in each of {values.size:,} bytes, and which bit is the first does not show"
        raise Misfit(message, "state --bits big (numpy.packbits by itself) or --bits little")
    order: Any = reading.bits
    count = math.prod(shape) if values.ndim == 1 else shape[-1]
    bits = numpy.unpackbits(values, axis=-1, bitorder=order)
    if bits[..., count:].any():
        raise Misfit(f"has bits beyond its {math.prod(shape):,} weights", "what is packed ends in bits that are 0")
    return bits[..., :count].reshape(shape)


def _of_another_shape(found: tuple[int, ...], shape: tuple[int, ...], turned: bool) -> Misfit:
    message = f"has the shape {list(found)}, its tensor {list(shape)}"
    if turned and found == shape:
        return Misfit(f"{message}: it lies as its tensor does", "leave its module out of --transposed")
    if len(shape) > 1 and found == (*shape[:-2], shape[-1], shape[-2]):
        return Misfit(f"{message}: it is transposed", "name its module with --transposed, such as --transposed c_fc")
    if math.prod(found) in shape and len([size for size in found if size > 1]) <= 1:
        return Misfit(f"{message}: one value for each unit", "masks are of single weights: repeat it over them")
    return Misfit(message, "was it made for another model, or for another of its tensors?")


def squares_in_doubt(shapes: Mapping[str, tuple[int, ...]], turned: Iterable[str], reading: Reading) -> list[str]:
    """The square weights that lie as [inputs, outputs], as others do whose masks are transposed, and of which nobody
    said whether theirs are."""
    turned = list(turned)
    if not any(reading.turns(name) for name in turned):
        return []
    return [name for name in turned if shapes[name][-1] == shapes[name][-2] and not reading.turns(name)]
