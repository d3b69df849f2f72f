"""SHA-256 of files, remembered for as long as a file stays as it was.

What is remembered lies in the cache folder and never beside the data: a data folder cannot bring it along.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from framework.cache_folder import cache_folder
from framework.evidence.remembering.file_state import FileState, state_of
from framework.evidence.remembering.kept_facts import recalled, remember


def memory_of(kind: str, path: Path) -> Path | None:
    """Where facts about a file or folder are kept; None where there is no place for a cache."""
    place = cache_folder()
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
    return None if place is None else Path(place).absolute() / kind / f"{name}.json"


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a file that is known in this state nothing is read."""
    path = path.absolute()
    memory, state = memory_of("digests", path), FileState.at(path)
    known = None if memory is None else recalled(memory)
    if known is not None and known.get("path") == str(path) and known.get("state") == list(state):
        return str(known["sha256"])
    settled = state.settled  # before it is read: a change from here on shows
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if memory is not None and settled and list(state) == state_of(path):
        remember(memory, {"path": str(path), "state": list(state), "sha256": digest})
    return digest
