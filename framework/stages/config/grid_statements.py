"""What a grid states once is one statement: a config file that is held to it in one variant is held to it in all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from framework.conformance import Stage, Verdict
from framework.conformance.matrix import Matrix
from framework.locations import Location
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.sections.grids import grid_of
from framework.names import Path


def for_all_of_a_grid(experiment: Experiment, matrix: Matrix) -> Iterator[Verdict]:
    """For each clause of a grid's variant that no config file was held to, the verdicts at the config stage of those
    clauses that stand at the same place of the manifest and of their variants."""
    for clauses in _statements(experiment):
        looks = [look for clause in clauses for look in matrix.looks(clause, Stage.CONFIG)]
        for clause in clauses if looks else ():
            if not matrix.looks(clause, Stage.CONFIG):
                yield from (look._replace(clause=clause.id) for look in looks)


def _statements(experiment: Experiment) -> list[list[Clause]]:
    """The clauses of grids' variants, those together that one place of the manifest states."""
    found: dict[tuple[Location, str, Path], list[Clause]] = {}
    grids = experiment.stated.grids
    for clause in experiment.clauses if grids else ():
        if clause.section == "variants" and (grid := grid_of(str(clause.path[1]), grids)):
            where = replace(clause.location, key=None)
            found.setdefault((where, grid, clause.path[2:]), []).append(clause)
    return list(found.values())
