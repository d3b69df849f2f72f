"""Where what was once worked out is kept: in the user's own cache folder, never in a project."""

from __future__ import annotations

import os


def cache_folder() -> str | None:
    """`FRAMEWORK_CACHE_DIR`, else `experiment-framework` in the user's cache folder; None where there is no place."""
    own = os.environ.get("FRAMEWORK_CACHE_DIR")
    if own:
        return own
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "experiment-framework") if os.path.isabs(base) else None
