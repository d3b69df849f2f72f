"""Where prepared data lies: below the cache folder, which several users may share."""

from __future__ import annotations

from pathlib import Path

from framework.cache_folder import cache_folder
from framework.errors import FrameworkError


def data_folder() -> Path:
    """`<cache>/data`.

    Raises:
        FrameworkError: there is no place for a cache.
    """
    place = cache_folder()
    if place is None:
        raise FrameworkError("there is no folder for prepared data: set FRAMEWORK_CACHE_DIR")
    return Path(place).absolute() / "data"
