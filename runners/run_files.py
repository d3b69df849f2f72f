"""Line files that a kill cannot leave half written."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Self


def prefix_sha256(path: Path, size: int) -> str | None:
    """SHA-256 of a file's first ``size`` bytes; None where it has fewer. A file that is not there has none."""
    digest = hashlib.sha256()
    if size:
        if not path.is_file() or path.stat().st_size < size:
            return None
        with path.open("rb") as stream:
            while size and (chunk := stream.read(min(size, 1 << 20))):
                digest.update(chunk)
                size -= len(chunk)
    return digest.hexdigest()


class Lines:
    """A JSON-lines file that grows: each object one line, on its way to the disk every ``flush_every`` lines.

    Of what the file holds from before the first ``kept`` bytes stay.
    """

    def __init__(self, path: Path, flush_every: int = 1, kept: int = 0):
        self.path = path
        self._stream = path.open("a", encoding="utf-8")
        self._stream.truncate(kept)
        self._flush_every = flush_every
        self._written = 0

    def write(self, **values: Any) -> None:
        self._stream.write(json.dumps(values, allow_nan=False) + "\n")
        self._written += 1
        if self._written % self._flush_every == 0:
            self._stream.flush()

    def settled(self) -> dict[str, Any]:
        """Size and SHA-256 of the file, once all that was written is on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        size = self.path.stat().st_size
        return {"bytes": size, "sha256": prefix_sha256(self.path, size)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()
