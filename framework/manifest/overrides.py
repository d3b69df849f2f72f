"""A phase with a variant's own settings put in, validated as if the manifest had stated it so."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.profiles import overlay, place_of
from framework.manifest.sections.annotations import section_at
from framework.manifest.sections.phases import Phase
from framework.manifest.settled_phases import as_data, settled
from framework.names import Path, did_you_mean, format_path

_OF_DATA = ("dataset", "tasks")


def with_settings(phase: Phase, settings: dict[str, Any], experiment: Experiment, place: Path) -> Phase:
    """``phase`` with `set` entries applied; ``place`` is where the entries stand, for messages.

    Raises:
        InputError: an entry that the phase does not take, or a dataset that is not declared.
    """
    try:
        changed = settled(phase, settings)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        entry = next((entry for entry in settings if _within(error["loc"], place_of(as_data(phase), entry))), None)
        where = experiment.location((*place, entry) if entry else place)
        raise InputError.at(where, *_explained(error)) from None
    except ValueError as problem:
        raise InputError.at(experiment.location((*place, _misplaced(as_data(phase), settings))), str(problem)) from None
    known = experiment.manifest.datasets
    used: list[str | None] = [own.dataset or task for task, own in changed.tasks.items()] or [changed.dataset]
    for name in filter(None, used) if known else ():
        if name not in known:
            entry = next((entry for entry in settings if place_of(as_data(phase), entry)[0] in _OF_DATA), "dataset")
            where = experiment.location((*place, entry))
            raise InputError.at(where, f"unknown dataset {name!r}", did_you_mean(name, known))
    return changed


def _within(path: tuple[str | int, ...], other: Path) -> bool:
    length = min(len(path), len(other))
    return length > 0 and path[:length] == other[:length]


def _misplaced(data: dict[str, Any], settings: dict[str, Any]) -> str:
    """The entry that names a place which the phase does not have; the last one, where none does so by itself."""
    for entry, value in settings.items():
        try:
            overlay(data, {entry: value})
        except ValueError:
            return entry
    return list(settings)[-1]


def _explained(error: Any) -> tuple[str, str | None]:
    path = tuple(error["loc"])
    named = f"{format_path(path)}: " if path else ""
    if error["type"] == "extra_forbidden":
        section = section_at(Phase, path[:-1])
        known = [field.alias or name for name, field in section.model_fields.items()] if section else []
        where = format_path(path[:-1]) or "a phase"
        return f"unknown key {str(path[-1])!r} in {where}", did_you_mean(str(path[-1]), known)
    if error["type"] == "value_error":
        return f"{named}{error['ctx']['error']!s}", None
    return f"{named}{error['msg'][0].lower()}{error['msg'][1:]}, not {error['input']!r}", None
