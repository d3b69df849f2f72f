"""Rates that a file states as a share of the peak: by the key's name."""

from __future__ import annotations

import re

_SHARE = re.compile(r"ratio|fraction|frac(?![a-z])|factor|share", re.IGNORECASE)


def named_share(key: object) -> bool:
    """Whether a key is called a share of something: `min_lr_ratio`."""
    return _SHARE.search(str(key)) is not None
