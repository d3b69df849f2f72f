"""accelerate's tracker: what `Accelerator.log` is given, and the steps that its optimizers take.

`Accelerator(log_with=...)` takes an object whose class derives from `GeneralTracker`, with `name`,
`requires_logging_directory`, `tracker`, `store_init_configuration` and `log` (`accelerate/tracking.py` 1.15).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from framework.errors import UsageError
from framework.evidence.logs.logged_names import evaluation, pick


def accelerate_tracker(run: Any) -> Any:
    """A `GeneralTracker` that tells a :class:`framework.recording.recording.Recording`.

    Raises:
        UsageError: the script has not imported accelerate.
    """
    base = getattr(sys.modules.get("accelerate.tracking"), "GeneralTracker", None)
    if base is None:
        raise UsageError("for_accelerate: the script has not imported accelerate")
    return type("RecordingTracker", (_Tracker, base), {})(run)


class _Tracker:
    """The interface of accelerate's trackers; optimizer steps are counted as they happen, whatever `log` calls them."""

    name = "framework"
    requires_logging_directory = False
    main_process_only = True

    def __init__(self, run: Any):
        super().__init__()
        self._run = run

    @property
    def tracker(self) -> Any:
        return self._run

    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        self._run.settings(values)

    def log(self, values: Mapping[str, Any], step: int | None = None, **options: Any) -> None:
        self._run.add_to_step(loss=pick(values, "loss", {}), epoch=pick(values, "epoch", {}))
        if found := evaluation(values):
            self._run.evaluation(found)
