"""SHA-256 of source files, remembered for as long as a file stays as it was.

What is remembered lies in the cache folder and never beside the data: a data folder cannot bring it along.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from framework.cache_folder import cache_folder

_SETTLED = 2_100_000_000
"""How old, in nanoseconds, a file's last change must be for its time to tell it from a later one, also where the file
system counts in seconds."""
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


def state_of(path: Path) -> list[int]:
    """What tells that a file was changed: size, inode, times of the content and of the entry, in nanoseconds."""
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a file that is known in this state nothing is read.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    path = path.absolute()
    state = state_of(path)
    memory = _memory(path)
    known = recalled(memory) if memory is not None else None
    if known is not None and known.get("state") == state:
        return str(known["sha256"])
    digest = _read(path, state[0])
    if memory is not None and state == state_of(path) and _settled(state):
        remember(memory, {"path": str(path), "state": state, "sha256": digest})
    return digest


def digest_of_files(top: Path, names: Sequence[str]) -> str:
    """SHA-256 over the names and digests of many files below a folder, one a line; where all are known in their states
    nothing is read.

    Raises:
        OSError: one is not there, or cannot be read.
    """
    top = top.absolute()
    states = {name: state_of(top / name) for name in sorted(names)}
    memory, all_states = _memory(top), sum_of(states)
    known = recalled(memory) if memory is not None else None
    if known is not None and known.get("states") == all_states:
        return str(known["sha256"])
    whole = hashlib.sha256()
    for name, state in states.items():
        path = top / name
        own = digest_of(path) if state[0] >= _REMEMBERED_ALONE else _read(path, state[0])
        whole.update(f"{own} {name}\n".encode("utf-8", "surrogateescape"))
    digest = whole.hexdigest()
    same = all(state == state_of(top / name) for name, state in states.items())
    if memory is not None and same and all(map(_settled, states.values())):
        remember(memory, {"path": str(top), "states": all_states, "sha256": digest})
    return digest


def _memory(path: Path) -> Path | None:
    """Where the digest of a path is remembered; None where there is no place for a cache."""
    place = cache_folder()
    if place is None:
        return None
    return Path(place).absolute() / "data" / "sources" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _settled(state: Sequence[int]) -> bool:
    return time.time_ns() - max(state[2:]) > _SETTLED


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


def recalled(path: Path) -> dict[str, Any] | None:
    """What :func:`remember` wrote; None where there is nothing, or not all of it as it was."""
    try:
        text = path.read_text("utf-8")
        found = json.loads(text)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("sum", None) != sum_of(found):
        return None
    return found


def remember(path: Path, facts: dict[str, Any]) -> None:
    """Write facts, whole or not at all; where that is impossible they are worked out anew the next time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps({**facts, "sum": sum_of(facts)}), "utf-8")
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def sum_of(facts: dict[str, Any]) -> str:
    """SHA-256 of facts, whatever their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
