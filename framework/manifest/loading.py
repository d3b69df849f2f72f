"""Reading experiment.yaml: to validated sections, with the place of everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from os.path import isfile
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from framework.errors import InputError, Problem, UsageError
from framework.manifest.clauses import clauses_of
from framework.manifest.deviations import deviating, overlaid
from framework.manifest.experiment import MANIFEST, Experiment
from framework.manifest.profiles import Overlay
from framework.manifest.references import Dangling, dangling
from framework.manifest.refusals import in_order, problem_of, refused_content
from framework.manifest.searched.best_values import BestValues, Chosen, with_best
from framework.manifest.sections.grids import expanded
from framework.manifest.sections.root import Manifest
from framework.manifest.stated_places import origin_of
from framework.names import did_you_mean
from framework.reading.decoding import NO_SUCH_FILE
from framework.reading.nodes import Document
from framework.reading.yaml.parsing import read_yaml

ABSENT = "`framework init` writes a first manifest; --manifest FILE names another"
_RUN_FROM = ("phases", "variants", "runners", "searches", "measurements")
"""Sections that a profile changes: of the others, what is stated has been looked at."""


def load(path: str | FilePath = MANIFEST, profile: str | None = None) -> Experiment:
    """Load a manifest, under a profile if one is named.

    Raises:
        InputError: it cannot be read, or is not a valid manifest; every problem with its place.
        UsageError: there is no such profile.
    """
    path = FilePath(path)
    if isfile(path / MANIFEST):
        path = path / MANIFEST
    try:
        document = read_yaml(path, _shown(path), "manifest")
    except InputError as failure:
        if [problem.message for problem in failure.problems] == [NO_SUCH_FILE]:
            raise InputError.at(failure.problems[0].location, NO_SUCH_FILE, ABSENT) from None
        raise
    experiment = experiment_of(path, document)
    return experiment if profile is None else under(experiment, profile)


def experiment_of(path: FilePath, document: Document, chosen: Chosen | None = None) -> Experiment:
    """The experiment that a parsed manifest states; ``path`` is where it lies, or would lie. ``chosen`` is what is
    known of values that are the best of a grid, in a document whose grids are written out.

    Raises:
        InputError: it is not a valid manifest; every problem with its place.
    """
    problems = refused_content(document)
    whole, best = True, BestValues()
    try:
        document, best = with_best(expanded(document) if chosen is None else document, chosen or {})
    except InputError as failure:
        problems += failure.problems
        whole = False  # variants that there would be are not known
    assert document.root is not None
    data = document.value(document.root)
    try:
        stated = _validated(data, document, None, None, names=whole)
    except InputError as failure:
        told = {problem.location for problem in problems}
        problems += [problem for problem in failure.problems if problem.location not in told]
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    clauses = tuple(clauses_of(document, data, stated))
    return Experiment(path.absolute(), document, stated, stated, None, clauses, best=best)


def chosen_again(experiment: Experiment, chosen: Chosen) -> Experiment:
    """The experiment with other values that are the best of a grid; under its profile.

    Raises:
        InputError: what they make of the manifest is not valid.
    """
    assert experiment.best.document is not None
    found = experiment_of(experiment.path, experiment.best.document, chosen)
    return found if experiment.declared_profile is None else under(found, experiment.declared_profile)


def under(experiment: Experiment, profile: str) -> Experiment:
    """The experiment under one of its profiles.

    Raises:
        InputError: what the profile makes of the manifest is not valid; every problem with its place.
        UsageError: there is no such profile.
    """
    document, stated = experiment.document, experiment.stated
    if profile not in stated.profiles:
        raise UsageError(f"{document.file} has no profile {profile!r}: {did_you_mean(profile, stated.profiles)}")
    changed = overlaid(experiment.raw, document, stated, profile)
    manifest = _validated(changed.data, document, changed, profile)
    clauses = tuple(deviating(experiment.clauses, stated, manifest, changed, document, profile))
    return Experiment(experiment.path, document, stated, manifest, profile, clauses, best=experiment.best)


def _shown(path: FilePath) -> str:
    """The path as messages show it: relative to the current folder where it lies below."""
    try:
        return path.absolute().relative_to(FilePath.cwd()).as_posix()
    except ValueError:
        return str(path)


def _validated(
    data: dict[str, Any], document: Document, changed: Overlay | None, profile: str | None, names: bool = True
) -> Manifest:
    """The manifest as sections; ``names`` tells whether all names in it are held to name something."""

    def problems(found: Iterable[Dangling]) -> list[Problem]:
        held = (each for each in found if changed is None or each[0][0] in _RUN_FROM)
        return [Problem(message, origin_of(path, document, changed, profile), advice) for path, message, advice in held]

    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as failure:
        from framework.manifest.salvage import also_dangling

        refused = [problem_of(error, data, document, changed, profile) for error in failure.errors(include_url=False)]
        unknown = problems(also_dangling(data, failure)) if names else []
        raise InputError(in_order([*refused, *unknown])) from None
    if unknown := problems(dangling(manifest, data)) if names else []:
        raise InputError(unknown)
    return manifest
