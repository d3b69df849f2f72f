"""SHA-256 of source files, remembered for as long as a file stays as it was.

What is remembered lies in the cache folder and never beside the data: a data folder cannot bring it along.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from runners.data.store.data_folder import data_folder

_SETTLED = 2_100_000_000
"""How old, in nanoseconds, a file's last change must be for its time to tell it from a later one, also where the file
system counts in seconds."""


def state_of(path: Path) -> list[int]:
    """What tells that a file was changed: size, inode, times of the content and of the entry, in nanoseconds."""
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a file that is known in this state nothing is read."""
    path = path.absolute()
    state = state_of(path)
    memory = data_folder() / "sources" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    known = recalled(memory)
    if known is not None and known.get("state") == state:
        return str(known["sha256"])
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if state == state_of(path) and time.time_ns() - max(state[2:]) > _SETTLED:
        remember(memory, {"path": str(path), "state": state, "sha256": digest})
    return digest


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
            temporary.write_text(json.dumps({**facts, "sum": sum_of(facts)}, ensure_ascii=False), "utf-8")
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def sum_of(facts: dict[str, Any]) -> str:
    """SHA-256 of facts, whatever their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
