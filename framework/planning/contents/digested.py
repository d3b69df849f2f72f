"""What local files hold, for the identity of the steps that read them: read once, remembered by size and times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from framework.evidence.record import sha256_of
from framework.evidence.remembering.file_digest import digest_of, digest_of_files
from framework.planning.contents.local_places import Local

MOST_NAMED = 256
"""Files of a folder up to which each is known by its own digest; of more the folder has one."""

_SMALL = 1 << 16
"""Bytes below which a file is read as quickly as what is remembered of it."""

Content = dict[str, str | None]
"""By name, as the manifest's folder sees it, the SHA-256 of a file, or (a name with a slash at its end) of the names
and digests of a folder's files. None where there is nothing to read."""


class Contents:
    """The contents of local files; what several steps read is looked at once. Without ``read`` nothing is opened, and
    what is there has no content: for whoever asks what would be run and not whether it was."""

    def __init__(self, root: Path, read: bool = True):
        self.root, self.read = root, read
        self._known: dict[Local, Content] = {}

    def of(self, places: Iterable[Local]) -> Content:
        """The content of all of them."""
        found: Content = {}
        for place in places:
            if place not in self._known:
                self._known[place] = content_of(place, self.root) if self.read else _not_there(place, self.root)
            found |= self._known[place]
        return found


def content_of(place: Local, root: Path) -> Content:
    """What a place holds now; a file that cannot be read is as one that is not there."""
    files, top = place.files(root), root / place.stated
    found: Content = dict.fromkeys(place.lacking(files))
    if len(files) > MOST_NAMED:
        folder = f"{place.stated.rstrip('/')}/"
        found[folder] = None
        with suppress(OSError):
            found[folder] = digest_of_files(top, files)
        return found
    for name in files:
        found[place.spelled(name)] = None
        with suppress(OSError):
            path = top / name if name else top
            found[place.spelled(name)] = sha256_of(path) if path.stat().st_size < _SMALL else digest_of(path)
    return found


def _not_there(place: Local, root: Path) -> Content:
    return dict.fromkeys(place.lacking(place.files(root)))


def changes(then: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    """What differs between two contents, each as a few words: `data/train.jsonl`, `data/more.jsonl is new`. What
    cannot be looked at now is no change."""
    unread = [name for name, digest in now.items() if digest is None]
    found = [name for name in now if name in then and None is not now[name] != then[name]]
    found += [f"{name} is new" for name, digest in now.items() if digest is not None and name not in then]
    gone = [name for name in then if name not in now and not any(covers(each, name) for each in unread)]
    return [*found, *(f"{name} is gone" for name in gone)]


def covers(missing: str, name: str) -> bool:
    """Whether what is not there, a name or a pattern, would hold a file of that name."""
    return name == missing or name.startswith(f"{missing.rstrip('/')}/") or fnmatchcase(name, missing)
