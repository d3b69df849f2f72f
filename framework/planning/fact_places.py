"""Where the manifest may state a fact of a training step: the variant's own words first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.names import Path, find_path, parse_path


def clause_of(experiment: Experiment, steps: Sequence[Path], phase: str, task: str | None, fact: str) -> Clause | None:
    """The clause that states a fact of a step: a variant's own, else the task's, else the phase's. ``steps`` are the
    places of the step in the variants that use it."""
    for path in _places(experiment, steps, phase, task, fact):
        if path in experiment.by_path:
            return experiment.by_path[path]
    return None


def clauses_below(
    experiment: Experiment, steps: Sequence[Path], phase: str, task: str | None, fact: str
) -> list[Clause]:
    """The clauses that state a fact of a step, or a part of it."""
    return list(parts_below(experiment, steps, phase, task, fact).values())


def parts_below(
    experiment: Experiment, steps: Sequence[Path], phase: str, task: str | None, fact: str
) -> dict[Path, Clause]:
    """The clauses of a fact and of its parts, by where each stands in a phase: a variant's own, the task's and the
    phase's, of which each stands in the place of what a later one says of the same part."""
    below = parse_path(fact)
    found: dict[Path, Clause] = {}
    nearer: set[Path] = set()

    def take(inner: Path, clause: Clause) -> None:
        shadowed = any(inner[: len(own)] == own or own[: len(inner)] == inner for own in nearer)
        if inner[: len(below)] == below and not shadowed:
            found.setdefault(inner, clause)

    for step in steps:
        for inner, clause in experiment.settings_of.get((*step, phase), ()):
            take(inner, clause)
    bases: list[Path] = [("phases", phase, "tasks", task)] if task is not None else []
    for base in [*bases, ("phases", phase)]:
        nearer = set(found)
        for clause in experiment.below((*base, *below)):
            take(clause.path[len(base) :], clause)
    return found


def _places(experiment: Experiment, steps: Sequence[Path], phase: str, task: str | None, fact: str) -> Iterator[Path]:
    for step in steps:
        place: Path = (*step, phase)
        if (own := experiment.settings.get((*place, *parse_path(fact)))) is not None:
            yield own.path
        inner = find_path(_raw(experiment, place), fact)
        if inner:
            yield (*place, *inner)
    short = fact.removeprefix("optimizer.")
    if task is not None:
        for name in dict.fromkeys((short, fact)):
            yield ("phases", phase, "tasks", task, name)
            yield ("phases", phase, "tasks", task, *parse_path(name))
    yield ("phases", phase, *parse_path(fact))


def _raw(experiment: Experiment, path: Path) -> Any:
    value: Any = experiment.raw
    for part in path:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return {}
    return value
