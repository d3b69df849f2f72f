"""CMA-ES (Hansen & Ostermeier 2001) over the unit cube, by the package `cmaes` that Optuna's sampler uses.

Optuna's keeps its optimizer as a pickle in the study (optuna 5.0.0, `samplers/_cmaes.py`). Here the optimizer follows
from the trials themselves: it is told the whole generations of the past, and asked for one more point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from framework.manifest.sections.searching.searched_values import Dimension
from framework.manifest.sections.searching.searches import Sampler
from framework.searching.trials import DRAWN


def evolved(
    sampler: Sampler,
    dimensions: Mapping[str, Dimension],
    study: optuna.Study,
    trials: Sequence[FrozenTrial],
    seed: int,
) -> tuple[list[float], int]:
    """The next place in the unit cube, and its generation, from 0."""
    from cmaes import CMA

    count = len(dimensions)
    bounds = np.array([[0.0, 1.0]] * count)
    optimizer = CMA(np.full(count, 0.5), sampler.sigma, bounds, seed=seed, population_size=sampler.population)
    sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
    generation = 0
    while len(told := _told(trials, generation, sign)) >= optimizer.population_size:
        optimizer.tell([(np.array(place), value) for place, value in told[: optimizer.population_size]])
        generation += 1
    optimizer.reseed_rng(seed)
    return [float(each) for each in optimizer.ask()], generation


def _told(trials: Sequence[FrozenTrial], generation: int, sign: float) -> list[tuple[list[float], float]]:
    """The places of a generation with their values, smaller the better, in the order of their trials."""
    return [
        (drawn["place"], sign * float(trial.value or 0.0))
        for trial in trials
        if trial.state == TrialState.COMPLETE and (drawn := _of_this(trial)).get("generation") == generation
    ]


def _of_this(trial: FrozenTrial) -> dict[str, Any]:
    drawn: dict[str, Any] = trial.user_attrs[DRAWN]
    return drawn
