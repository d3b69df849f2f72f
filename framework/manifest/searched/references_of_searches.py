"""Names and values in searches that nothing else in the manifest has."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from framework.manifest.overrides import explained
from framework.manifest.searched.covered_steps import METHODS, at_point, step_of, variants_of
from framework.manifest.searched.value_sets import outside
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.searching.searched_values import Dimension
from framework.manifest.sections.searching.searches import Search
from framework.names import Path, did_you_mean

Wrong = tuple[Path, str, str]
SEEDS = ("seed", "seeds", "random_seed", "data_seed")


def dangling_in_searches(manifest: Manifest) -> Iterator[Wrong]:
    """Where, what is wrong, and advice: names that name nothing, keys that no step has, and points that cannot come."""
    for name, search in manifest.searches.items():
        place: Path = ("searches", name)
        if set(name) & set("/\\\0"):
            yield place, f"{name!r} cannot be a part of a folder's name", "choose another name"
        if search.phase not in manifest.phases:
            advice = did_you_mean(search.phase, manifest.phases)
            yield (*place, "phase"), f"unknown phase {search.phase!r}", advice
            continue
        yield from _selected(manifest, search, place)
        yield from _keys(manifest, search, place)
        yield from _conditions(search, place)
        for position, point in enumerate(search.first):
            for key, why in outside(search.dimensions, point).items():
                near = "" if key in search.dimensions else did_you_mean(key, search.dimensions)
                yield (*place, "first", position, key), f"{key}: {why}", near
        for position, file in enumerate(search.optima):
            for written, key in file.keys.items():
                if key not in search.dimensions:
                    where: Path = (*place, "optima", position, "keys", written)
                    yield where, f"nothing searches {key!r}", did_you_mean(key, search.dimensions)
        yield from _on_the_way(manifest, search, place)


def _on_the_way(manifest: Manifest, search: Search, place: Path) -> Iterator[Wrong]:
    """What needs evaluations before a training is over: the built-in training makes some where it may stop early."""
    if search.trials is not None:
        return
    scripts = [name for name, runner in manifest.runners.items() if (runner.phase or name) == search.phase]
    stops = manifest.phases[search.phase].early_stopping is not None
    evaluates = stops or any(key.partition(".")[0] == "early_stopping" for key in search.set)
    if search.pruning is not None and scripts:
        message = f"runners.{scripts[0]} trains {search.phase!r}, and a program of one's own is not ended on its way"
        yield (*place, "pruning"), message, "leave pruning out"
    elif search.pruning is not None and not evaluates:
        message = f"phases.{search.phase} evaluates nothing on its way, so that no trial can be pruned"
        yield (*place, "pruning"), message, "state early_stopping for the phase, or leave pruning out"
    if search.selection.value != "restored" and not evaluates and not scripts:
        message = (
            f"phases.{search.phase} evaluates nothing on its way, so that it has no {search.selection.value} evaluation"
        )
        yield (*place, "selection", "value"), message, "state early_stopping for the phase, or write restored"


def _selected(manifest: Manifest, search: Search, place: Path) -> Iterator[Wrong]:
    phase = manifest.phases[search.phase]
    for kind, names, known in (("models", search.models, manifest.models), ("tasks", search.tasks, phase.tasks)):
        for position, name in enumerate(names):
            if name not in known:
                yield (*place, kind, position), f"unknown {kind[:-1]} {name!r}", did_you_mean(name, known)
    covered = variants_of(manifest, search)
    for position, pattern in enumerate(search.variants):
        if not fnmatch.filter(manifest.variants, pattern):
            advice = did_you_mean(pattern, manifest.variants)
            yield (*place, "variants", position), f"unknown variant {pattern!r}", advice
        elif not fnmatch.filter(covered, pattern):
            message = f"{pattern!r} does not run the phase {search.phase!r} in a step of its own"
            yield (*place, "variants", position), message, "name the variant that runs it"
    if not covered and not search.variants:
        yield place, f"no variant runs the phase {search.phase!r}", "name it in a variant's steps"


def _keys(manifest: Manifest, search: Search, place: Path) -> Iterator[Wrong]:
    section = "space" if search.space is not None else "best_of"
    for key in (key for key in search.set if key in search.dimensions):
        yield (*place, "set", key), f"{key} is searched, and set for all trials", "keep one of the two"
    stated = manifest.phases[search.phase]
    phases = [stated.for_task(task) for task in (search.tasks or stated.tasks) if task in stated.tasks] or [stated]
    uses = [step_of(manifest, variant, search.phase)[1] for variant in variants_of(manifest, search)]
    for key, values in (*search.dimensions.items(), *((key, None) for key in search.set)):
        where: Path = (*place, section if values is not None else "set", key)
        if key in SEEDS:
            message = f"{key!r} is no hyperparameter: over seeds a result varies, it is not tuned"
            yield where, message, "give the search's seeds under `seeds`"
            continue
        tried = [search.set[key]] if values is None else _ends(values)
        for phase, use, value in ((phase, use, value) for phase in phases for use in uses for value in tried):
            try:
                at_point(phase, use, {key: value})
            except ValidationError as failure:
                message, advice = explained(failure.errors(include_url=False)[0])
                yield where, f"{key}: {message}", advice or ""
                break
            except ValueError as problem:
                known = [*type(phase).model_fields, *METHODS]
                yield where, f"{key}: {problem}", did_you_mean(key, known)
                break


def _ends(values: Dimension) -> list[Any]:
    if values.choices is not None:
        return values.choices
    return [float(each) if not values.whole else int(each) for each in (values.low, values.high) if each is not None]


def _conditions(search: Search, place: Path) -> Iterator[Wrong]:
    """A condition is about choices that stand before it, or a point could not be drawn in order."""
    before: dict[str, Dimension] = {}
    for key, values in search.dimensions.items():
        for other, wanted in values.when.items():
            where: Path = (*place, "space", key, "when", other)
            if other not in before:
                yield where, f"{other!r} is not searched before {key!r}", did_you_mean(other, before)
            elif before[other].choices is None:
                yield where, f"{other!r} has no choices", "a condition is about choices"
            else:
                for each in (each for each in wanted if each not in (before[other].choices or ())):
                    yield where, f"{other!r} is never {each!r}", f"its choices are {before[other].choices}"
        before[key] = values
