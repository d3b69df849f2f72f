"""The two sides of a statement: the key under a cursor, its clause, and every place that states a clause."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, TypeVar

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.names import Path, format_path
from framework.reading.nodes import AnyNode, Document
from framework.stages.config.bound import BoundFile
from framework.stages.config.layers.named_files import lay_over
from framework.stages.config.verdicts import bound_files

T = TypeVar("T")


class Side(NamedTuple):
    """A place in a file. ``clause`` is None where a bound file's key states none; ``key`` is empty in the manifest."""

    clause: Clause | None
    key: str
    location: Location


def under(experiment: Experiment, file: str, line: int, column: int) -> Side | None:
    """What stands at a place of the manifest or of a bound file (lines and columns from 1), a key or its value."""
    if os.path.realpath(file) == os.path.realpath(experiment.path):
        stated = [clause for clause in experiment.clauses if clause.location and clause.location.line == line]
        clause = _nearest([(each.location, each) for each in stated], column)
        return None if clause is None else Side(clause, "", clause.location)
    for bound in _files(experiment):
        here = [
            (document.location(node, path), path)
            for document, path, node in _leaves(bound)
            if node.line == line and os.path.realpath(os.path.join(bound.pattern.here, document.file)) == file
        ]
        path = _nearest(here, column)
        if path is not None:
            location = next(location for location, other in here if other == path)
            key, clause = _stated(bound, path)
            return Side(clause, key, location)
    return None


def stating(experiment: Experiment, clause: Clause) -> list[Location]:
    """Every place of a bound file whose key states the clause."""
    found: dict[Location, None] = {}
    for bound in _files(experiment):
        for key, target in bound.targets.items():
            if target.clause.id == clause.id and (spot := bound.find(key)) is not None:
                found.setdefault(bound.document.location(spot[1], spot[0]))
    return list(found)


def _files(experiment: Experiment) -> Iterator[BoundFile]:
    """The bound files that can be read."""
    files, _, _ = bound_files(experiment)
    with suppress(InputError):  # of a script that cannot be read, nothing lies over the others
        lay_over(files, str(experiment.root))
    for bound in files:
        try:
            _ = bound.document, bound.targets
        except InputError:
            continue
        yield bound


def _leaves(bound: BoundFile) -> Iterator[tuple[Document, Path, AnyNode]]:
    for path, node in bound.document.leaves():
        yield bound.document.home(node), path, node


def _stated(bound: BoundFile, path: Path) -> tuple[str, Clause | None]:
    """The key that a leaf is of, and its clause: its own, or that of the list or section which it lies in."""
    places = {spot[0]: (key, target) for key, target in bound.targets.items() if (spot := bound.find(key)) is not None}
    for length in range(len(path), 0, -1):
        if (found := places.get(path[:length])) is not None:
            return format_path(path[:length]), found[1].clause
    return format_path(path), None


def _nearest(places: list[tuple[Location, T]], column: int) -> T | None:
    """Of places on one line the one under the column, else the next behind it (the cursor is on its key), else the
    last before it."""
    ordered = sorted(places, key=lambda place: place[0].column)
    for location, found in ordered:
        if column <= location.column + location.width:
            return found
    return ordered[-1][1] if ordered else None
