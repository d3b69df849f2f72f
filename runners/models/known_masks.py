"""What the host knows of a batch's padding, told to models that would ask the device for it at every forward pass.

transformers looks whether a mask masks anything, and without a mask whether positions begin anew within a row, so that
it can leave the mask away (`masking_utils.py` of 5.23: `fast_all` in `_ignore_causal_mask_sdpa`, `.all()` in
`_ignore_bidirectional_mask_sdpa`, and `find_packed_sequence_indices`): one number is read off the device, and the host
waits for all that was asked of it before. The answers are the same here; they are only known already. In a version
that has no such functions nothing is told.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor

_whole: ContextVar[bool | None] = ContextVar("whole", default=None)
_MODULE = "transformers.masking_utils"
_TOLD = "_told_by_the_host"


@contextmanager
def known_padding(whole: bool) -> Iterator[None]:
    """While the block runs, masks are known to mask nothing (``whole``), or something; and positions are those of rows
    that begin once."""
    _tell()
    before = _whole.set(whole)
    try:
        yield
    finally:
        _whole.reset(before)


def masks_nothing(mask: Tensor) -> bool:
    """Whether a mask of 0 and 1 is 1 everywhere."""
    known = _whole.get()
    return bool(mask.all()) if known is None else known


def _tell() -> None:
    """Have the functions of transformers ask here first, once a model has imported them."""
    module = sys.modules.get(_MODULE)
    if module is None or hasattr(module, _TOLD):
        return
    setattr(module, _TOLD, True)
    for name, told in _FUNCTIONS.items():
        real = getattr(module, name, None)
        if callable(real):
            setattr(module, name, told(real))


def _all_of(real: Callable[..., Any]) -> Callable[..., Any]:
    def fast_all(mask: Tensor, *more: Any, **named: Any) -> Any:
        known = _whole.get()
        return real(mask, *more, **named) if known is None else known or mask.numel() == 0

    return fast_all


def _in_both_directions(real: Callable[..., Any]) -> Callable[..., Any]:
    def ignored(padding_mask: Tensor | None, *more: Any, **named: Any) -> Any:
        known = _whole.get()
        if known is None or padding_mask is None:
            return real(padding_mask, *more, **named)
        return known and real(None, *more, **named)

    return ignored


def _packed(real: Callable[..., Any]) -> Callable[..., Any]:
    def found(position_ids: Tensor, *more: Any, **named: Any) -> Any:
        return real(position_ids, *more, **named) if _whole.get() is None else None

    return found


_FUNCTIONS = {
    "fast_all": _all_of,
    "_ignore_bidirectional_mask_sdpa": _in_both_directions,
    "find_packed_sequence_indices": _packed,
}
