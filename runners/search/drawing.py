"""Drawing points: each a function of the sampler's seed, the number of the trial, and the trials before it.

Optuna's seeded samplers begin anew whenever a search is resumed, and repeat their points (optuna 5.0.0). Here each draw
has a generator of its own, so that it does not matter how often a search was interrupted.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from framework.manifest.searched.value_sets import Point, active, listed, same_value
from framework.manifest.sections.searching.searched_values import Dimension
from framework.manifest.sections.searching.searches import Sampler
from framework.searching.trials import DRAWN
from runners.search.journals import UNSTORED


def seed_of(seed: int, number: int, attempt: int = 0) -> int:
    """32 bits for one draw: SHA-256 of the search's seed, the trial's number and the attempt."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}:{attempt}".encode()).digest()[:4], "big")


def distribution_of(values: Dimension) -> BaseDistribution:
    """The values as Optuna has them; choices that are no scalars by their place."""
    if values.choices is not None:
        return CategoricalDistribution([_label(each, place) for place, each in enumerate(values.choices)])
    log = values.scale == "log"
    low, high = values.bounds
    if values.whole:
        return IntDistribution(int(low), int(high), log=log, step=int(values.step or 1))
    step = None if values.step is None else float(values.step)
    return FloatDistribution(float(low), float(high), log=log, step=step)


def _label(choice: Any, place: int) -> Any:
    return choice if choice is None or isinstance(choice, bool | int | float | str) else f"[{place}]"


def as_params(dimensions: Mapping[str, Dimension], point: Point) -> dict[str, Any]:
    """A point in the words of :func:`distribution_of`."""
    found = {}
    for key, value in point.items():
        choices = dimensions[key].choices
        if choices is not None:
            place = next(place for place, each in enumerate(choices) if same_value(each, value))
            value = _label(choices[place], place)
        found[key] = value
    return found


def draw(
    sampler: Sampler,
    dimensions: Mapping[str, Dimension],
    study: optuna.Study,
    trials: Sequence[FrozenTrial],
    attempt: int,
) -> tuple[Point, dict[str, Any]]:
    """The next point, and how it was drawn: the sampler, its generator's seed, and what it has to remember.

    ``trials`` are all trials of the study. ``attempt`` counts the draws that gave a point which was tried before.
    """
    seed = seed_of(sampler.seed, len(trials), attempt)
    drawn: dict[str, Any] = {"by": sampler.name, "seed": seed}
    if sampler.name == "sobol":
        index = 1 + max((each.user_attrs[DRAWN].get("index", -1) for each in trials), default=-1) + attempt
        return _at_unit(dimensions, _sobol(len(dimensions), sampler, index)), {**drawn, "index": index}
    if sampler.name == "cmaes":
        from runners.search.evolving import evolved

        place, generation = evolved(sampler, dimensions, study, trials, seed)
        return _at_unit(dimensions, place), {**drawn, "generation": generation, "place": place}
    return _sampled(sampler, dimensions, study, len(trials), seed), drawn


def _sampled(
    sampler: Sampler, dimensions: Mapping[str, Dimension], study: optuna.Study, number: int, seed: int
) -> Point:
    """A point of one of Optuna's samplers, drawn before the trial is stored: it is kept in one piece, or not at all."""
    own = _sampler(sampler, seed, any(values.when for values in dimensions.values()))
    trial = FrozenTrial(
        number=number, trial_id=UNSTORED, state=TrialState.RUNNING, value=None, datetime_start=datetime.now(),
        datetime_complete=None, params={}, distributions={}, user_attrs={}, system_attrs={}, intermediate_values={},
    )  # fmt: skip
    own.before_trial(study, trial)
    together = own.sample_relative(study, trial, own.infer_relative_search_space(study, trial))
    point: Point = {}
    for key, values in dimensions.items():
        if not active(values, point):
            continue
        distribution = distribution_of(values)
        if key in together and distribution._contains(distribution.to_internal_repr(together[key])):
            value = together[key]
        else:
            value = own.sample_independent(study, trial, key, distribution)
        trial.params[key], trial.distributions[key] = value, distribution
        point[key] = _own_value(values, value)
    return point


def _sampler(sampler: Sampler, seed: int, conditional: bool) -> optuna.samplers.BaseSampler:
    if sampler.name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            n_startup_trials=sampler.startup_trials,
            n_ei_candidates=sampler.candidates,
            multivariate=sampler.multivariate,
            group=sampler.multivariate and conditional,
            constant_liar=sampler.constant_liar,
            seed=seed,
        )


def _own_value(values: Dimension, value: Any) -> Any:
    """A value as the manifest has it: a choice by its label, a step without what arithmetic added to it."""
    if values.choices is not None:
        return next(each for place, each in enumerate(values.choices) if same_value(_label(each, place), value))
    if values.step is not None and not values.whole:
        return min(listed(values) or [value], key=lambda each: abs(each - value))
    return value


def _sobol(dimensions: int, sampler: Sampler, index: int) -> list[float]:
    """The point of a Sobol sequence with this index, from 0 (scipy's, which Optuna takes too)."""
    from scipy.stats import qmc

    engine = qmc.Sobol(dimensions, scramble=sampler.scramble, rng=sampler.seed)
    if index:
        engine.fast_forward(index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that one point is no power of two
        return [float(each) for each in engine.random(1)[0]]


def _at_unit(dimensions: Mapping[str, Dimension], place: Sequence[float]) -> Point:
    """The point of a space that stands at a place of the unit cube, in which every value has its equal share."""
    point: Point = {}
    for share, (key, values) in zip(place, dimensions.items(), strict=True):
        if active(values, point):
            point[key] = _at_share(values, share)
    return point


def _at_share(values: Dimension, share: float) -> Any:
    if (values.choices is not None or values.scale == "linear") and (known := listed(values)) is not None:
        return known[min(int(share * len(known)), len(known) - 1)]
    low, high = values.bounds
    half = 0.5 if values.whole else 0.0
    if values.scale == "log":
        found = math.exp(math.log(low - half) + share * (math.log(high + half) - math.log(low - half)))
    else:
        found = low - half + share * (high - low + 2 * half)
    return min(max(round(found), low), high) if values.whole else min(max(found, float(low)), float(high))
