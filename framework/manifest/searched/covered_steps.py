"""Which steps of which variants a search is about, and what a point makes of one."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from framework.manifest.overrides import with_methods
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.searching.searches import Search
from framework.manifest.sections.variants import PhaseUse, phase_of
from framework.manifest.settled_phases import settled

METHODS = ("mask", "adapter")


def variants_of(manifest: Manifest, search: Search) -> list[str]:
    """The variants that a search is about: those that run its phase in a step of their own, and are named."""
    own = [name for name, spec in manifest.variants.items() if _place(spec.steps, search.phase) is not None]
    if not search.variants:
        return own
    return [name for name in own if any(fnmatch.fnmatchcase(name, pattern) for pattern in search.variants)]


def tasks_of(manifest: Manifest, search: Search) -> list[str | None]:
    """The tasks that a search is about; None for a phase without tasks."""
    phase = manifest.phases[search.phase]
    return list(search.tasks) or list(phase.tasks) or [None]


def step_of(manifest: Manifest, variant: str, phase: str) -> tuple[int, PhaseUse]:
    """The last step of a variant that runs a phase: its place, and how it uses the phase."""
    place = _place(manifest.variants[variant].steps, phase)
    assert place is not None
    found = phase_of(manifest.variants[variant].steps[place])
    assert found is not None
    return place, found[1]


def _place(steps: list[Any], phase: str) -> int | None:
    found = [index for index, step in enumerate(steps) if (use := phase_of(step)) and use[0] == phase]
    return found[-1] if found else None


def searches_over(manifest: Manifest, variant: str, phase: str, task: str | None, model: str) -> Iterator[str]:
    """The searches that decide values of a step, by name."""
    for name, search in manifest.searches.items():
        if search.phase != phase or variant not in variants_of(manifest, search):
            continue
        if (not search.models or model in search.models) and task in (tasks_of(manifest, search) or [task]):
            yield name


def at_point(phase: Phase, use: PhaseUse, values: Mapping[str, Any]) -> tuple[Phase, PhaseUse]:
    """A phase and its use with the values of a point put in.

    Raises:
        ValueError: a key names what the phase, its mask or its adapter does not have, or its value is none for it.
    """
    own = {key: value for key, value in values.items() if key.partition(".")[0] in METHODS}
    for key in own:
        head, _, rest = key.partition(".")
        if getattr(use, head) is None or not rest:
            raise ValueError(f"the step has no {head} to search")
    return settled(phase, {key: value for key, value in values.items() if key not in own}), with_methods(use, own)
