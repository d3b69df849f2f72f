"""A phase with what datasets, models and variants state in its place put in, validated as if it had stated it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.profiles import overlay, place_of
from framework.manifest.sections.described.annotations import section_at
from framework.manifest.sections.methods import Adapter, Mask
from framework.manifest.sections.phases import Phase, merged
from framework.manifest.sections.variants import PhaseUse
from framework.manifest.settled_phases import as_data, settled
from framework.names import Path, did_you_mean, format_path

_OF_DATA = ("dataset", "tasks")
_METHODS = ("mask", "adapter")


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
        raise InputError.at(where, *explained(error)) from None
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


def explained(error: Any) -> tuple[str, str | None]:
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


def phase_for(
    experiment: Experiment, name: str, use: PhaseUse, variant: str, index: int, model: str
) -> tuple[Phase, PhaseUse]:
    """A phase with what the dataset, the model and the variant state in its place, the last the strongest; and the use
    with what these state for its masks and adapters.

    Raises:
        InputError: one of them sets what the phase does not take.
    """
    manifest = experiment.manifest
    phase = manifest.phases[name]
    data = phase.dataset or ""
    for section, key, found in (
        ("datasets", data, manifest.datasets.get(data)),
        ("models", model, manifest.models.get(model)),
    ):
        if found is not None and found.set:
            phase = with_settings(phase, dict(about_phase(name, found.set)), experiment, (section, key, "set"))
            use = with_methods(use, found.set)
    return with_settings(phase, use.set, experiment, ("variants", variant, "steps", index, name, "set")), use


def about_phase(name: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings that are about a phase: those of all phases, and those that name it."""
    for path, value in settings.items():
        head, _, rest = path.partition(".")
        if head == "phases":
            known, _, inner = rest.partition(".")
            if known == name and inner:
                yield inner, value
        elif head not in _METHODS:
            yield path, value


def with_methods(use: PhaseUse, settings: Mapping[str, Any]) -> PhaseUse:
    """A use whose masks and adapters have what a model states of them; one that has none gets none."""
    changed: dict[str, Any] = {}
    for head, kind in (("mask", Mask), ("adapter", Adapter)):
        method = getattr(use, head)
        own = {path.partition(".")[2]: value for path, value in settings.items() if path.partition(".")[0] == head}
        if method is None or not own:
            continue
        data = method.model_dump(by_alias=True, exclude_none=True)
        for path, value in own.items():
            nested: Any = value
            for part in reversed(path.split(".")):
                nested = {part: nested}
            data = merged(data, nested)
        changed[head] = kind.model_validate(data)
    return use.model_copy(update=changed) if changed else use
