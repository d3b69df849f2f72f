"""A phase with a variant's own settings put in."""

from __future__ import annotations

from typing import Any

from framework.manifest.profiles import overlay
from framework.manifest.sections.phases import Phase


def as_data(phase: Phase) -> dict[str, Any]:
    """A phase as plain data, in the manifest's own words; what is not stated is left out."""
    return phase.model_dump(by_alias=True, exclude_none=True)


def settled(phase: Phase, settings: dict[str, Any]) -> Phase:
    """``phase`` with `set` entries applied, validated as if the manifest had stated it so.

    Raises:
        ValueError: a setting names a place that a phase does not have, or is none that it takes there.
    """
    return Phase.model_validate(overlay(as_data(phase), settings).data) if settings else phase
