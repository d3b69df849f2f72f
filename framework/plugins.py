"""What other distributions add, found without reading the metadata of everything that is installed.

`importlib.metadata` opens a file for each installed distribution, and its import alone costs more than the check of a
small project. Nearly always nobody adds anything: so the folders of the path are first searched for the mere name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from framework.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OURS = b"[framework."


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """As the function of `importlib.metadata`, for a group of ours such as `framework.formats`, by name."""
    if not _somebody(tuple(sys.path)):
        return ()
    from importlib import metadata

    return tuple(sorted(metadata.entry_points(group=group), key=lambda point: (point.name, point.value)))


def loaded(point: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        UsageError: it does not import: the fault of the distribution that adds it, which is named.
    """
    try:
        return point.load()
    except Exception as problem:
        owner = f" of {point.dist.name} {point.dist.version}" if point.dist is not None else ""
        raise UsageError(
            f"the plug-in {point.name!r}{owner} ({point.group}: {point.value}) does not import: "
            f"{type(problem).__name__}: {problem}\n    repair that package, or uninstall it"
        ) from problem


@cache
def _somebody(path: tuple[str, ...]) -> bool:
    """Whether any distribution may have entry points of ours; True wherever that is in doubt."""
    if any(hasattr(finder, "find_distributions") and finder.__module__ != _STANDARD for finder in _finders()):
        return True
    return any(_mentioned(entry or os.curdir) for entry in path)


_STANDARD = "_frozen_importlib_external"


def _finders() -> Iterator[type]:
    for finder in sys.meta_path:
        yield finder if isinstance(finder, type) else type(finder)


def _mentioned(folder: str) -> bool:
    try:
        found = [entry for entry in os.listdir(folder) if entry.endswith((".dist-info", ".egg-info", ".egg"))]
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return True  # a zip file: its metadata is not to be seen from here
    except OSError:
        return False
    return any(_names_us(os.path.join(folder, entry)) for entry in found)


def _names_us(metadata: str) -> bool:
    if metadata.endswith(".egg"):
        return True
    try:
        # Without the buffers of a file object: most of the time goes into the many small files.
        stream = os.open(os.path.join(metadata, "entry_points.txt"), os.O_RDONLY)
    except OSError:
        return False
    try:
        return _OURS in os.read(stream, os.fstat(stream).st_size)
    except OSError:
        return False
    finally:
        os.close(stream)
