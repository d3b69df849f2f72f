"""The studies of a search: one for each variant, model and task, and where each is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.errors import UsageError
from framework.manifest.experiment import Experiment
from framework.manifest.searched.covered_steps import tasks_of, variants_of
from framework.manifest.searched.value_sets import same_value
from framework.manifest.sections.searching.searches import Search
from framework.names import did_you_mean, format_path

FOLDER = "searches"
"""The folder of studies, beside `runs`."""
UNNAMED = "model"
"""What the model of a manifest that states none is called in names of files."""


@dataclass(frozen=True, slots=True)
class Study:
    """One search for one variant, model and task (None for a phase without tasks)."""

    name: str
    search: Search
    variant: str
    model: str
    task: str | None
    profile: str | None = None

    @property
    def label(self) -> str:
        """As messages name it."""
        return " · ".join(part for part in (self.name, self.variant, self.task, self.model) if part)

    def path(self, root: Path) -> Path:
        """The journal of its trials, below a project's folder."""
        parts = (self.variant, self.task, self.model or UNNAMED)
        name = re.sub(r"[/\\\x00-\x1f]", "_", ".".join(part for part in parts if part))
        return folder_of(root, self.profile) / self.name / f"{name}.journal"

    @property
    def place(self) -> dict[str, Any]:
        """Its names, as a table of results states them."""
        return {"search": self.name, "variant": self.variant, "model": self.model, "task": self.task}


def folder_of(root: Path, profile: str | None) -> Path:
    """Where the studies lie; under a profile, which changes what trials do, in a folder of their own."""
    return root / FOLDER / f"@{profile}" if profile else root / FOLDER


def beside(runs: Path) -> Path:
    """The folder of studies of the project whose runs lie in a folder: `runs/`, or one below it of a manifest with
    another name."""
    return (runs if runs.name == "runs" else runs.parent).parent / FOLDER


def studies_of(
    experiment: Experiment,
    names: Sequence[str] = (),
    variants: Sequence[str] = (),
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
) -> list[Study]:
    """The studies of the chosen searches, in the manifest's order; an empty choice means all.

    Raises:
        UsageError: a name that the manifest does not state, or nothing is chosen.
    """
    manifest = experiment.manifest
    for name in names:
        if name not in manifest.searches:
            raise UsageError(f"unknown search {name!r}: {did_you_mean(name, manifest.searches)}")
    found = [
        study
        for study in all_studies(experiment)
        if (not names or study.name in names)
        and (not variants or study.variant in variants)
        and (not models or study.model in models)
        and (not tasks or study.task in tasks)
    ]
    if not found:
        raise UsageError(f"{experiment.document.file} states no search for this selection")
    return found


def step_place(study: Study) -> tuple[str, str, str | None, str]:
    """The variant, phase, task and model of the steps that a study is about."""
    return study.variant, study.search.phase, study.task, study.model


def all_studies(experiment: Experiment) -> Iterator[Study]:
    """The studies of all searches, in the manifest's order."""
    manifest = experiment.manifest
    for name, search in manifest.searches.items():
        for variant in variants_of(manifest, search):
            for model in search.models or manifest.models or ("",):
                for task in tasks_of(manifest, search):
                    yield Study(name, search, variant, model, task, experiment.declared_profile)


def declared(study: Study, basis: str) -> dict[str, Any]:
    """What makes trials of one study comparable, as JSON data. ``basis`` is a digest of what trials train beside the
    searched values. The budget may grow, so it is not among it."""
    search = study.search
    sampler = search.sampling
    return {
        "space": {key: _plain(values) for key, values in search.dimensions.items()},
        "sampler": sampler.model_dump(exclude_none=True),
        "objective": {"metric": search.metric_name, "direction": "lower" if search.falls else "higher"},
        "value": search.selection.value,
        "over_seeds": search.selection.seeds,
        "pruning": _plain(search.pruning) if search.pruning else None,
        "seeds": list(search.seeds),
        "basis": basis,
    }


def _plain(section: Any) -> dict[str, Any]:
    data: dict[str, Any] = section.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return data


def changed(asked: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """What of a study is declared otherwise than when it began, a line each. A grid that grew is the same study:
    what is new in it is tried."""
    found = []
    for key in asked:
        one, other = asked[key], stored.get(key)
        if one == other or (key == "space" and asked["sampler"]["name"] == "grid" and _grew(one, other)):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            parts = [part for part in {**other, **one} if one.get(part) != other.get(part)]
            found += [f"{key} {format_path((part,))}: {other.get(part)} -> {one.get(part)}" for part in parts]
        elif key == "basis":
            found.append("what a trial trains beside the searched values")
        else:
            found.append(f"{key}: {other} -> {one}")
    return found


def _grew(asked: dict[str, Any], stored: Any) -> bool:
    """Whether a grid has the same keys, and all choices that it had."""
    if not isinstance(stored, dict) or list(asked) != list(stored):
        return False
    for key, before in stored.items():
        if asked[key] != before and not (
            set(before) == set(asked[key]) == {"choices"}
            and all(any(same_value(own, each) for each in asked[key]["choices"]) for own in before["choices"])
        ):
            return False
    return True
