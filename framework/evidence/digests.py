"""The digest of a set of masks: of what they keep, not of how a file packs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy


def masks_digest(masks: Iterable[tuple[str, numpy.ndarray[Any, Any]]]) -> str:
    """SHA-256 over all masks, in the order of their names: for each a line of JSON, `[name, shape]`, and its elements
    row by row, eight to a byte, the first in the highest bit, zero bits at the end.

    Args:
        masks: Tensor names, each once, and boolean arrays (or 0 and 1), True = kept.
    """
    import numpy

    digest = hashlib.sha256()
    for name, mask in sorted(masks, key=lambda item: item[0]):
        digest.update(json.dumps([name, list(mask.shape)]).encode() + b"\n")
        digest.update(numpy.packbits(mask.astype(bool), axis=None).tobytes())
    return digest.hexdigest()
