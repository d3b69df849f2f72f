"""Facts that are kept as JSON: whole as they were written, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


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
