"""What a script tells of its run, by the names of the run record."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.errors import UsageError
from framework.evidence.logs.taking import as_metrics, measured
from framework.evidence.logs.trainer_settings import as_recorded
from framework.evidence.record import artefacts_below, sha256_of
from framework.recording.data_facts import data_facts

HELD = (
    *("max_grad_norm", "precision", "sequence_length", "objective", "loss_normalization"),
    *("micro_batch_size", "accumulation", "batch_size", "train_examples", "planned_steps", "epochs"),
)
"""Settings that the record has a name for."""


class Told:
    """Facts as they are told; paths are written as the manifest's folder sees them."""

    def __init__(self, root: Path, objective: str | None):
        self.observed: dict[str, Any] = {}
        self.of_data: dict[str, Any] = {}
        self.seed: int | None = None
        self._root, self._objective = root, objective
        self._final: dict[str, float] = {}
        self._last: dict[str, float] = {}

    @property
    def final_metrics(self) -> dict[str, float]:
        """The metrics that were told as final ones, else those of the last evaluation."""
        found = self._final or as_metrics(self._last)
        return {name: value for name, value in found.items() if math.isfinite(value)}

    @property
    def not_finite(self) -> dict[str, str]:
        """Final metrics that are no numbers, which JSON has no word for."""
        found = self._final or as_metrics(self._last)
        return {name: str(value) for name, value in found.items() if not math.isfinite(value)}

    def evaluated(self, values: Mapping[str, Any]) -> dict[str, float]:
        """The metrics of an evaluation, as its line has them."""
        self._last = self._measured(values)
        return self._last

    def metrics(self, values: Mapping[str, Any]) -> None:
        self._final |= as_metrics(self._measured(values))

    def settings(self, values: Mapping[str, Any]) -> None:
        plain: dict[str, Any] = json.loads(json.dumps(dict(values), default=str), parse_constant=str)
        self.observed["settings"] = as_recorded({**self.observed.get("settings", {}), **plain})
        self.observed |= {name: plain[name] for name in HELD if plain.get(name) is not None}

    def data(self, data: Any, name: str | None, examples: int | None, validation: Any) -> None:
        facts = data_facts(data)
        count = facts.pop("examples", None) if examples is None else examples
        self.of_data = {**facts, **({} if name is None else {"name": name})}
        if isinstance(data, (str, Path)):
            self.of_data["source"] = {"path": os.path.relpath(data, self._root)}
        if count is not None:
            self.observed["train_examples"] = count
        if validation is not None:
            self.of_data["validation_fingerprint"] = data_facts(validation)["fingerprint"]

    def checkpoint(self, path: Path, step: int) -> None:
        if path.is_file():
            files = {path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size}}
        elif path.is_dir():
            files = artefacts_below(path, *sorted(each.name for each in path.iterdir()))
        else:
            raise UsageError(f"checkpoint: nothing is at {str(path)!r}")
        facts = {"step": step, "path": os.path.relpath(path, self._root), "files": files}
        self.observed.setdefault("checkpoints", []).append(facts)

    def _measured(self, values: Mapping[str, Any]) -> dict[str, float]:
        return measured({name: float(each) for name, each in values.items() if each is not None}, self._objective)
