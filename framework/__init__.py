"""Hold configs, runs, checkpoints and documents to the one statement of a paper's experiment.

The public interface is `load`, `check`, `plan`, `run`, `verify` and `docs`, see :mod:`framework.api`; and `record`, for
scripts that record themselves, see :mod:`framework.recording`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.api import check, docs, load, obstacles, plan, run, verify
    from framework.recording import record

__all__ = ["check", "docs", "load", "obstacles", "plan", "record", "run", "verify"]


def __getattr__(name: str) -> Any:
    # Imported at first use: `import framework` alone costs a millisecond.
    if name == "record":
        from framework.recording import record

        return record
    if name in __all__:
        from framework import api

        return getattr(api, name)
    raise AttributeError(f"module 'framework' has no attribute {name!r}")
