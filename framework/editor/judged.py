"""A manifest of the workspace and its files as they stand in the editor: what is wrong, and at which place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from framework.conformance import Finding
from framework.conformance.matrix import Matrix
from framework.errors import FrameworkError, InputError, Problem
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.output.file_places import Places
from framework.reading.decoding import unsaved
from framework.stages.check import check, held_to_itself


@dataclass
class Judged:
    """What one check of a manifest found. ``experiment`` is None where it could not be loaded, and ``matrix`` where it
    could not be held; ``problems`` then say why."""

    places: Places
    experiment: Experiment | None = None
    matrix: Matrix | None = None
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def judged(manifest: Path, texts: Mapping[str, str]) -> Judged:
    """Hold a manifest and its bound files, those of ``texts`` (by real path) as the editor has them."""
    found = Judged(Places(manifest.parent))
    with unsaved(texts):
        try:
            found.experiment = load(manifest)
            if found.experiment.stated.configs:
                result = check(found.experiment)
                found.matrix, found.findings = result.matrix, result.findings
            else:
                found.matrix, found.findings = held_to_itself(found.experiment)
        except InputError as failure:
            found.problems = failure.problems
        except FrameworkError as failure:
            found.problems = [Problem(str(failure), Location(str(manifest), 1, 1))]
    return found
