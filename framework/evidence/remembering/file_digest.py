"""SHA-256 of files, remembered for as long as a file stays as it was.

What is remembered lies in the cache folder and never beside the data: a data folder cannot bring it along.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from framework.cache_folder import cache_folder
from framework.evidence.remembering.file_state import FileState, state_of
from framework.evidence.remembering.kept_facts import recalled, remember, sum_of

_REMEMBERED_ALONE = 1 << 20
"""Bytes from which a file of a folder is remembered by itself: a folder may hold a million small ones."""
_BLOCK = 1 << 20

Heard = Callable[[Path, int, int], None]
"""Told of a file whose content is read how many bytes of how many are."""
_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


@contextmanager
def told(heard: Heard) -> Iterator[None]:
    """While the block runs, whoever listens is told how far the reading of files has come."""
    before = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(before)


def memory_of(kind: str, path: Path) -> Path | None:
    """Where facts about a file or folder are kept; None where there is no place for a cache."""
    place = cache_folder()
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
    return None if place is None else Path(place).absolute() / kind / f"{name}.json"


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a file that is known in this state nothing is read.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    path = path.absolute()
    memory, state = memory_of("digests", path), FileState.at(path)
    known = None if memory is None else recalled(memory)
    if known is not None and known.get("path") == str(path) and known.get("state") == list(state):
        return str(known["sha256"])
    settled = state.settled  # before it is read: a change from here on shows
    digest = _read(path, state.size)
    if memory is not None and settled and list(state) == state_of(path):
        remember(memory, {"path": str(path), "state": list(state), "sha256": digest})
    return digest


def digest_of_files(top: Path, names: Sequence[str]) -> str:
    """SHA-256 over the names and digests of many files below a folder, one a line; where all are known in their states
    nothing is read.

    Raises:
        OSError: one is not there, or cannot be read.
    """
    top = top.absolute()
    states = {name: FileState.at(top / name) for name in sorted(names)}
    memory, all_states = memory_of("digests", top), sum_of({name: list(state) for name, state in states.items()})
    known = None if memory is None else recalled(memory)
    if known is not None and known.get("path") == str(top) and known.get("states") == all_states:
        return str(known["sha256"])
    settled = all(state.settled for state in states.values())
    whole = hashlib.sha256()
    for name, state in states.items():
        path = top / name
        own = digest_of(path) if state.size >= _REMEMBERED_ALONE else _read(path, state.size)
        whole.update(f"{own} {name}\n".encode("utf-8", "surrogateescape"))
    digest = whole.hexdigest()
    if memory is not None and settled and all(list(state) == state_of(top / name) for name, state in states.items()):
        remember(memory, {"path": str(top), "states": all_states, "sha256": digest})
    return digest


def _read(path: Path, size: int) -> str:
    digest, heard, done = hashlib.sha256(), _heard.get(), 0
    with path.open("rb", buffering=0) as stream:
        buffer = bytearray(_BLOCK)
        view = memoryview(buffer)
        while count := stream.readinto(buffer):
            digest.update(view[:count])
            done += count
            if heard is not None:
                heard(path, done, max(size, done))
    return digest.hexdigest()
