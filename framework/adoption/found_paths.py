"""The runs that a path or a pattern names, and what their names say."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from framework.errors import InputError
from framework.evidence.logs.registry import natural
from framework.locations import Location
from framework.manifest.sections.adopted import Adopted
from framework.manifest.sections.bindings import as_glob, captured_in
from framework.stages.config.captures import ways_to_read


class Found(NamedTuple):
    """One path, and each way in which its name can be taken apart."""

    path: Path
    ways: list[dict[str, str]]


def found(adopted: Adopted, root: Path, where: Location) -> Iterator[Found]:
    """What the pattern matches, in natural order.

    Raises:
        InputError: nothing is there.
    """
    pattern = os.path.join(root, adopted.path)
    if not captured_in(adopted.path) and not glob.has_magic(adopted.path):
        paths = [Path(pattern)] if os.path.exists(pattern) else []
    else:
        paths = sorted(map(Path, glob.glob(as_glob(pattern), recursive=True)), key=natural)
    if not paths:
        raise InputError.at(where, f"{adopted.path!r} matches nothing below {root}", "say where the runs lie")
    readings = ways_to_read(os.path.normpath(adopted.path)) if captured_in(adopted.path) else []
    seen: set[str] = set()
    for path in sorted(paths, key=lambda each: each.is_symlink()):
        if (real := os.path.realpath(path)) in seen:
            continue  # a link to one that is there: `latest-run`
        seen.add(real)
        name = os.path.relpath(path, root) if not os.path.isabs(adopted.path) else str(path)
        ways = [match.groupdict() for reading in readings if (match := reading.fullmatch(name))]
        yield Found(path, [dict(each) for each in {tuple(way.items()) for way in ways}] or [{}])
