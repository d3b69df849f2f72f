"""The runs that a path or a pattern names, and what their names say."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from framework.evidence.logs.registry import natural
from framework.manifest.sections.adopted import Adopted
from framework.manifest.sections.bindings import as_glob, captured_in
from framework.stages.config.captures import ways_to_read


class Found(NamedTuple):
    """One path, and each way in which its name can be taken apart."""

    path: Path
    ways: list[dict[str, str]]


def found(adopted: Adopted, root: Path) -> Iterator[Found]:
    """What the pattern matches, in natural order; a path that is there is taken as it is written."""
    stated = os.path.normpath(adopted.path)
    if os.path.exists(root / stated):
        yield Found(root / stated, [{}])
        return
    readings = ways_to_read(stated) if captured_in(stated) else []
    paths = [root / name for name in glob.glob(as_glob(stated), root_dir=root, recursive=True)]
    seen: set[str] = set()
    for path in sorted(paths, key=lambda each: (each.is_symlink(), natural(each))):
        if (real := os.path.realpath(path)) in seen:
            continue  # a link to one that is there: `latest-run`
        seen.add(real)
        name = str(path) if os.path.isabs(stated) else os.path.relpath(path, root)
        ways = {tuple(match.groupdict().items()) for reading in readings if (match := reading.fullmatch(name))}
        yield Found(path, [dict(way) for way in sorted(ways)] or [{}])
