"""A loaded manifest: what the paper says, what a profile makes of it, and the clauses with their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

from framework.locations import Location
from framework.manifest.clauses import Clause, fact_of, setting_in
from framework.manifest.searched.best_values import BestValues
from framework.manifest.sections.root import Manifest
from framework.manifest.stated_places import place_in
from framework.names import Path
from framework.reading.nodes import Document

MANIFEST = "experiment.yaml"


@dataclass(frozen=True)
class Experiment:
    """A loaded manifest.

    ``stated`` is what the paper says; ``manifest`` is that under the chosen profile, and the same without one. Where
    the command line sets values, ``set_values`` holds them by path, and ``profile`` is their name: the one that the
    manifest has is ``named_profile``. ``best`` are the values that are the best of a grid.
    """

    path: FilePath
    document: Document
    stated: Manifest
    manifest: Manifest
    profile: str | None
    clauses: tuple[Clause, ...]
    named_profile: str | None = None
    set_values: Mapping[str, Any] = field(default_factory=dict)
    best: BestValues = field(default_factory=BestValues)

    @property
    def declared_profile(self) -> str | None:
        """The profile of the manifest, whatever the command line sets beside it."""
        return self.named_profile if self.set_values else self.profile

    @property
    def root(self) -> FilePath:
        """The project's folder: paths in the manifest are relative to it."""
        return self.path.parent

    @property
    def runs(self) -> FilePath:
        """The folder of runs."""
        return runs_of(self.path)

    @property
    def documents(self) -> FilePath:
        """The folder of rendered documents; those of a profile lie in one of its name below."""
        top = self.root / self.stated.documents.directory
        return top / name if (name := _own_name(self.path)) else top

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The manifest as plain data, as stated."""
        assert self.document.root is not None
        data = self.document.value(self.document.root)
        assert isinstance(data, dict)
        return data

    @cached_property
    def by_path(self) -> dict[Path, Clause]:
        return {clause.path: clause for clause in self.clauses}

    @cached_property
    def settings(self) -> dict[Path, Clause]:
        """The variants' own settings, by their step and the path within its phase, however they are written."""
        found = ((clause, fact_of(self.manifest, clause.path)) for clause in self.clauses if not clause.added)
        return {(*clause.path[:5], *fact): clause for clause, fact in found if fact is not None}

    @cached_property
    def settings_of(self) -> dict[Path, list[tuple[Path, Clause]]]:
        """The same by the phase of the step that they are of, `variants.NAME.steps[i].PHASE`: the path within it."""
        found: dict[Path, list[tuple[Path, Clause]]] = {}
        for path, clause in self.settings.items():
            found.setdefault(path[:5], []).append((path[5:], clause))
        return found

    @cached_property
    def own_facts(self) -> dict[Path, list[tuple[tuple[str, ...], Clause]]]:
        """The settings by the section that holds them: their names below `settings`, and their clauses."""
        found: dict[Path, list[tuple[tuple[str, ...], Clause]]] = {}
        for clause in self.clauses:
            if not clause.added and (place := setting_in(clause.path)) is not None:
                found.setdefault(place[0], []).append((place[1], clause))
        return found

    @cached_property
    def as_stated(self) -> Experiment:
        """The same experiment without its profile: what the paper says."""
        clauses = tuple(clause._replace(deviation=None) for clause in self.clauses if not clause.added)
        best = self.best.as_stated(self.profile)
        return Experiment(self.path, self.document, self.stated, self.stated, None, clauses, best=best)

    @cached_property
    def required(self) -> dict[str, Any]:
        """What the project's files ask for of packages, by name, as far as somebody asked."""
        return {}

    def below(self, path: Path) -> list[Clause]:
        """The clauses at a path and below it, in file order."""
        near = self._by_owner.get(path[:2], ()) if len(path) > 1 else self.clauses
        return [clause for clause in near if clause.path[: len(path)] == path]

    @cached_property
    def _by_owner(self) -> dict[Path, list[Clause]]:
        """The clauses by the first two parts of their paths: `variants.NAME`. A study has as many as it has variants,
        and asks for those of each."""
        found: dict[Path, list[Clause]] = {}
        for clause in self.clauses:
            found.setdefault(clause.path[:2], []).append(clause)
        return found

    def location(self, path: Path) -> Location:
        """Where the path, or the nearest one above it that the file holds, is stated."""
        return place_in(self.document, path)


def runs_of(manifest: FilePath) -> FilePath:
    """The folder of a manifest's runs: `runs/` beside it, and of one that is not called `experiment.yaml` a folder of
    its name there, so that several manifests in one folder have their own."""
    runs = manifest.parent / "runs"
    return runs / name if (name := _own_name(manifest)) else runs


def _own_name(manifest: FilePath) -> str | None:
    """What a manifest's own folders are called; None of `experiment.yaml`. There is no dot in it, as in any run's."""
    return None if manifest.name == MANIFEST else manifest.stem.replace(".", "-")
