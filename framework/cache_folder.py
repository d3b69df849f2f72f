"""Where this program keeps what it can always work out again: a folder of the user's own, never the project's."""

from __future__ import annotations

import os


def cache_folder() -> str | None:
    """`FRAMEWORK_CACHE_DIR`, or a folder below the user's cache; None where there is no place for one."""
    own = os.environ.get("FRAMEWORK_CACHE_DIR")
    if own:
        return own
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "experiment-framework") if os.path.isabs(base) else None
