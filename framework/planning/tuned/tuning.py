"""The values that searches chose, for the steps that they were searched for; and which steps still wait for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from framework.conformance.meaning import compare, said
from framework.errors import InputError, Problem
from framework.manifest.experiment import Experiment
from framework.manifest.overrides import explained
from framework.manifest.searched.covered_steps import at_point, searches_over, step_of
from framework.manifest.searched.value_sets import outside
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.variants import PhaseUse
from framework.planning.fact_places import clause_of
from framework.searching.optimum import Optimum, optimum_of, path_of, read_optima
from framework.searching.studies import Study, changed, declared

Point = Mapping[str, Any]


@dataclass(frozen=True)
class Tuning:
    """What is put into steps that a search is about: the chosen values, or those of a trial.

    ``points`` are given by the study's search, variant and task, in the place of what was chosen.
    """

    experiment: Experiment
    points: Mapping[tuple[str, str, str | None], Point] = field(default_factory=dict)

    @cached_property
    def optima(self) -> list[Optimum]:
        """What was chosen so far.

        Raises:
            InputError: the file was changed by hand.
        """
        return read_optima(path_of(self.experiment.root, self.experiment.declared_profile))

    def tuned(
        self, variant: str, index: int, name: str, task: str | None, model: str, phase: Phase, use: PhaseUse
    ) -> tuple[Phase, PhaseUse]:
        """A phase of a variant with the values of all searches over it put in."""
        for search in self._over(variant, index, name, task, model):
            point = self._point(search, variant, task, model)
            if point is not None:
                phase, use = self._put_in(search, phase, use, point)
        return phase, use

    def waiting(self, variant: str, index: int, name: str, task: str | None, model: str) -> Iterator[Problem]:
        """What keeps a step from being production: values that were not searched yet, and others than were chosen."""
        manifest = self.experiment.manifest
        for name_of_search in self._over(variant, index, name, task, model):
            search = manifest.searches[name_of_search]
            if (name_of_search, variant, task) in self.points:
                continue
            study = Study(name_of_search, search, variant, model, task, self.experiment.declared_profile)
            where = self.experiment.location(("searches", name_of_search))
            optimum = optimum_of(study, self.optima)
            keys = ", ".join(search.dimensions)
            if optimum is None:
                advice = f"framework sweep {name_of_search}, then framework sweep analyze"
                yield Problem(f"{study.label}: {keys} not searched yet", where, advice)
                continue
            before = optimum.entry["analysed"]["declared"]
            if others := changed(declared(study, before["basis"]), before):
                message = f"{study.label}: the optimum ({optimum.location}) is of another search: {'; '.join(others)}"
                yield Problem(message, where, f"framework sweep {name_of_search}, then framework sweep analyze")
                continue
            for key, why in outside(search.dimensions, optimum.values).items():
                message = f"{study.label}: the optimum ({optimum.location}) is outside the declared space: {key}: {why}"
                yield Problem(
                    message, self.experiment.location(("searches", name_of_search, "space", key)), "search anew"
                )
            yield from self._others(study, optimum, index)

    def _others(self, study: Study, optimum: Optimum, index: int) -> Iterator[Problem]:
        """The values that the manifest states and that are not the optimum's."""
        steps = [("variants", study.variant, "steps", index)]
        for key, chosen in optimum.values.items():
            clause = clause_of(self.experiment, steps, study.search.phase, study.task, key)
            if clause is None:
                continue
            stated = clause.effective
            if not compare(clause.path, stated, chosen).same:
                message = f"{study.label}: {clause.id} is {said(stated)}, and the optimum is {said(chosen)}"
                message += f" ({optimum.location})"
                yield Problem(message, clause.location, f"state {chosen!r}, or leave it out: the optimum is taken then")

    def _over(self, variant: str, index: int, name: str, task: str | None, model: str) -> Iterator[str]:
        manifest = self.experiment.manifest
        if manifest.searches:
            for search in searches_over(manifest, variant, name, task, model):
                if step_of(manifest, variant, name)[0] == index:
                    yield search

    def _point(self, search: str, variant: str, task: str | None, model: str) -> Point | None:
        if (search, variant, task) in self.points:
            return self.points[search, variant, task]
        stated = self.experiment.manifest.searches[search]
        found = optimum_of(Study(search, stated, variant, model, task, self.experiment.declared_profile), self.optima)
        return None if found is None or outside(stated.dimensions, found.values) else found.values

    def _put_in(self, search: str, phase: Phase, use: PhaseUse, point: Point) -> tuple[Phase, PhaseUse]:
        where = self.experiment.location(("searches", search))
        try:
            return at_point(phase, use, point)
        except ValidationError as failure:
            message, advice = explained(failure.errors(include_url=False)[0])
            raise InputError.at(where, f"{search}: {dict(point)}: {message}", advice) from None
        except ValueError as problem:
            raise InputError.at(where, f"{search}: {dict(point)}: {problem}") from None
