"""A phase with a variant's own settings put in, validated as if the manifest had stated it so."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from framework.errors import InputError
from framework.manifest.loading import Experiment
from framework.manifest.phases import Phase
from framework.manifest.profiles import overlay
from framework.names import Path


def with_settings(phase: Phase, settings: dict[str, Any], experiment: Experiment, place: Path) -> Phase:
    """``phase`` with `set` entries applied; ``place`` is where the entries stand, for messages.

    Raises:
        InputError: an entry that the phase does not take.
    """
    if not settings:
        return phase
    data = phase.model_dump(by_alias=True, exclude_none=True)
    for entry, value in settings.items():
        where = experiment.location((*place, entry))
        try:
            data = overlay(data, {entry: value}).data
            phase = Phase.model_validate(data)
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            raise InputError.at(where, f"{entry}: {error['msg']}") from None
        except ValueError as problem:
            raise InputError.at(where, str(problem)) from None
    return phase
