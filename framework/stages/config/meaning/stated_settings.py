"""Which setting of a manifest a key of a config file is: by the catalogued fact that it names, or by its own name.

Settings stand in several sections. What is narrower goes before what is wider: what a variant sets and what a task has
of its own, the variant, the phase, its model, its data, and last the whole experiment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from framework.dialects.sections import rough
from framework.dialects.synonyms import ELSEWHERE
from framework.dialects.well_known import named
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.hyperparameters import folded
from framework.manifest.sections.variants import lineage
from framework.names import Path
from framework.stages.config.meaning.as_used import as_used
from framework.stages.config.meaning.clause_targets import Target
from framework.stages.config.meaning.fact_clauses import Place, datasets_about, phases_about, uses

_ELSEWHERE = frozenset(map(folded, ELSEWHERE))


class Setting(NamedTuple):
    """One setting: its names below `settings`, folded, and the catalogued fact that it is, if it is one."""

    names: tuple[str, ...]
    fact: str | None
    clause: Clause


class StatedSettings:
    """The settings of a manifest, by the places that keys are about."""

    def __init__(self, experiment: Experiment):
        self._experiment = experiment
        self._known: dict[Place, list[list[Setting]]] = {}

    def by_fact(self, place: Place, fact: str, path: Path = ()) -> list[Target]:
        """The settings that a key at ``path`` which names a catalogued fact could be: those of the narrowest section
        that states it, and among them those whose own sections are named above the key, too."""
        above = _folded(path)[:-1]
        for settings in self._scopes(place):
            if found := [each for each in settings if each.fact == fact]:
                alike = [each for each in found if each.names[:-1] and _ends(above, each.names[:-1])]
                whole = [each for each in found if not rough(each.names[:-1])]
                return self._targets(place, alike or whole or found)
        return []

    def by_name(self, place: Place, path: Path) -> list[Target]:
        """The settings that a key could be by its name: those whose names are the last of the key's path, or joined its
        own; else those whose last name it is, for a key below no section that is about something."""
        keys = _folded(path)
        if not keys or not self._experiment.own_facts:
            return []
        for settings in self._scopes(place):
            if found := [each for each in settings if _named(keys, each.names)]:
                longest = max(len(each.names) for each in found)
                return self._targets(place, [each for each in found if len(each.names) == longest])
        alone = not rough(tuple(part for part in path[:-1] if isinstance(part, str)))
        for settings in self._scopes(place) if alone else ():
            if found := [each for each in settings if each.names[-1] == keys[-1]]:
                return self._targets(place, found)
        return []

    def _targets(self, place: Place, settings: list[Setting]) -> list[Target]:
        used = [as_used(self._experiment, each.clause, place.variant, place.task) for each in settings]
        return list({clause.id: Target(clause) for clause in used}.values())

    def _scopes(self, place: Place) -> list[list[Setting]]:
        """The settings of each kind of section that is about a place, the narrowest first."""
        if place not in self._known:
            every = (
                [each for base in bases for each in _of(self._experiment, base)]
                for bases in _sections(self._experiment, place)
            )
            self._known[place] = [settings for settings in every if settings]
        return self._known[place]


def _folded(path: Path) -> tuple[str, ...]:
    return tuple(folded(part) for part in path if isinstance(part, str))


def _ends(keys: Sequence[str], names: Sequence[str]) -> bool:
    return len(names) <= len(keys) and tuple(keys[len(keys) - len(names) :]) == tuple(names)


def _named(keys: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a key's path ends with a setting's names (`loss_weights.kl`, `loss_weights_kl`), in no section that is
    about something else than the training."""
    covered = len(names) if _ends(keys, names) else 1 if "".join(names) == keys[-1] else 0
    return covered > 0 and not _ELSEWHERE.intersection(keys[: len(keys) - covered])


def _sections(experiment: Experiment, place: Place) -> Iterator[list[Path]]:
    phases = [place.phase] if place.phase else phases_about(experiment, place)
    tasks = [(phase, task) for phase in phases for task in experiment.stated.phases[phase].tasks]
    about_model = place.phase is None and place.model is not None
    if place.variant:
        yield [(*base, "set") for phase in phases for base in uses(experiment, place.variant, phase)]
    if place.task:
        yield [("phases", place.phase or "", "tasks", place.task)]
    yield [("models", model, "set") for model in _models(experiment, place)]
    if place.variant:
        for variant in lineage(experiment.stated.variants, place.variant):
            yield [("variants", variant)]
    if not about_model:
        yield [("phases", phase) for phase in phases]
    yield [("models", model) for model in _models(experiment, place)]
    yield [("datasets", dataset) for dataset in datasets_about(experiment, place)]
    if not place.task and not about_model:
        yield [("phases", phase, "tasks", task) for phase, task in tasks]
    if not place.variant:
        yield [("variants", variant) for variant in experiment.stated.variants]
    yield [()]


def _models(experiment: Experiment, place: Place) -> list[str]:
    return [place.model] if place.model else list(experiment.stated.models)


def _of(experiment: Experiment, base: Path) -> Iterator[Setting]:
    held = experiment.own_facts.get(base, ())
    bare = named.beside(name for names, _ in held for name in names) if held else {}
    for names, clause in held:
        fact = named.fact_of(names[-1], names[-2] if len(names) > 1 else None, bare)
        yield Setting(tuple(map(folded, names)), fact, clause)
