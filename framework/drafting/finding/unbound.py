"""Config files of a project that a check did not read: they look like a training's, and no binding covers them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path as FilePath

from framework.drafting.finding.candidates import PROGRAMS, SUFFIXES, candidates

_TELLING = re.compile(
    rb"learning_?rate|\blr\b|[^a-z]lr[\"']?\s*[:=]|batch_?size|max_?steps|epochs?\b|weight_?decay|optimizer|warmup",
    re.IGNORECASE,
)
"""What a file about a training holds, in whichever language."""
MOST = 200
"""Files that are read; in a project with more that no binding covers, the others are not named."""


def unbound_files(manifest: FilePath, covered: Collection[str]) -> list[str]:
    """The paths below the manifest's folder, in order, of config files and scripts of a training that are none of
    ``covered`` (by their names in the resolved folders). Programs are left out: which of their names are settings only
    a binding can tell; and so are folders with a manifest of their own."""
    root = manifest.parent
    left = list(_left(manifest, covered))
    if not left:
        return []
    from framework.drafting.finding.discovery import discover, standing

    real = os.path.realpath(root)
    known = [os.path.relpath(name, real).replace(os.sep, "/") for name in covered]
    own, _ = standing(root, discover(root, paths=left[:MOST], known=known))
    return [each.name for each in own]


def _left(manifest: FilePath, covered: Collection[str]) -> Iterator[FilePath]:
    root, others = manifest.parent, dict[FilePath, bool]()
    for path in candidates(root, tuple(suffix for suffix in SUFFIXES if suffix not in PROGRAMS), covered):
        if path == manifest:
            continue
        if _of_another(path.parent, root, manifest.name, others):
            continue
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if _TELLING.search(text.replace(b"-", b"_")):
            yield path


def _of_another(folder: FilePath, root: FilePath, name: str, known: dict[FilePath, bool]) -> bool:
    """Whether a folder, or one around it, has a manifest of its own."""
    if folder == root:
        return False
    if folder not in known:
        known[folder] = (folder / name).is_file() or _of_another(folder.parent, root, name, known)
    return known[folder]
