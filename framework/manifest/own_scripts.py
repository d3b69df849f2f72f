"""Which script of the user's own trains a phase, and what it is told."""

from __future__ import annotations

from typing import Any

from framework.manifest.sections.root import Manifest
from framework.manifest.sections.runners import Runner

_WHAT_RUNS = {"command", "flags", "configs", "environment", "sources"}


def runner_of(manifest: Manifest, phase: str, variant: str) -> tuple[str, Runner] | None:
    """The runner that trains a variant's phase, and its name."""
    for name, runner in manifest.runners.items():
        if (runner.phase or name) == phase and (not runner.variants or variant in runner.variants):
            return name, runner
    return None


def script_of(manifest: Manifest, phase: str, variant: str) -> dict[str, Any] | None:
    """What would be run for a variant's phase, whatever the runner is called; None where the built-in training does
    it. Of a script that is told which variant it trains, each variant is another run."""
    found = runner_of(manifest, phase, variant)
    if found is None:
        return None
    return dict(_told(found[1].model_dump(mode="json", exclude_none=True, include=_WHAT_RUNS), variant))


def _told(value: Any, variant: str) -> Any:
    if isinstance(value, str):
        return value.replace("{variant}", variant)
    if isinstance(value, dict):
        return {key: _told(item, variant) for key, item in value.items()}
    return [_told(item, variant) for item in value] if isinstance(value, list) else value
